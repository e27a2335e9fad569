"""Pieces of HTML that every page needs: text that cannot become an element, and both languages of what is told."""

from collections.abc import Mapping
from functools import lru_cache

from markupsafe import Markup

from harness.engine.verdict import Verdict
from harness.report.inert import printable
from harness.report.words import WORDS


def escaped(text: object) -> str:
    """Return ``text``, printable, as the content of an element; quotes stay, so that JSON does not swell."""
    plain = printable(str(text))
    return plain.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def both(texts: Mapping[str, str]) -> Markup:
    """Return a text in English and French; the page shows the one that is chosen."""
    return spans(texts.get("en", ""), texts.get("fr", ""))


@lru_cache(maxsize=4096)
def spans(english: str, french: str) -> Markup:
    """Return a text in English and French; one that is the same in both is written once."""
    if english == french:
        return Markup(escaped(english))
    pieces = [f'<span lang="{lang}">{escaped(text)}</span>' for lang, text in (("en", english), ("fr", french)) if text]
    return Markup("".join(pieces))


def word(verdict: Verdict | None) -> Markup:
    """Return a verdict in both languages."""
    english, french = ((w.verdicts[verdict] if verdict else w.nothing) for w in (WORDS["en"], WORDS["fr"]))
    return spans(english, french)


MARKS: Mapping[Verdict, str] = {
    Verdict.ERROR: "⚠",
    Verdict.FAIL: "✗",
    Verdict.UNDECIDED: "?",
    Verdict.WARN: "!",
    Verdict.PASS: "✓",
    Verdict.SKIP: "–",
}
"""A sign for each verdict, for who does not see its colour."""
