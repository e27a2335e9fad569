"""Pieces of HTML that every page needs: text that cannot become an element, and both languages of what is told."""

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache

from markupsafe import Markup, escape

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


_MONTHS = (
    ("January", "janvier"), ("February", "février"), ("March", "mars"), ("April", "avril"), ("May", "mai"),
    ("June", "juin"), ("July", "juillet"), ("August", "août"), ("September", "septembre"), ("October", "octobre"),
    ("November", "novembre"), ("December", "décembre"),
)  # fmt: skip


def instant(text: str) -> Markup:
    """Return a recorded instant as people write it in both languages, in UTC; what is none as it is."""
    try:
        read = datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        return Markup(escaped(text))
    english, french = (f"{read.day} {name} {read.year}" for name in _MONTHS[read.month - 1])
    french = french.replace("1 ", "1er ", 1) if read.day == 1 else french
    shown = spans(f"{english}, {read:%H:%M:%S} UTC", f"{french} à {read:%H:%M:%S} UTC")
    return Markup(f'<time datetime="{escape(printable(text))}">{shown}</time>')


MARKS: Mapping[Verdict, str] = {
    Verdict.ERROR: "⚠",
    Verdict.FAIL: "✗",
    Verdict.UNDECIDED: "?",
    Verdict.WARN: "!",
    Verdict.PASS: "✓",
    Verdict.SKIP: "–",
}
"""A sign for each verdict, for who does not see its colour."""
