"""Two runs side by side: the data, and how people read it (text, one self-contained HTML page)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

from markupsafe import Markup

from harness.engine.codec import dumps
from harness.engine.verdict import Exit, Verdict
from harness.report.inert import one_line, printable
from harness.report.markup import both, instant
from harness.report.pages import template
from harness.report.words import WORDS

Language = Literal["en", "fr"]
Text = Mapping[str, str]
ABSENT = "(none)"
"""In place of the side of a difference that is not there."""
WIDTH = 80
"""Columns of the text."""


class Relation(StrEnum):
    """What a test of the second run is to the same test of the first."""

    WORSE = "worse"
    NOT_COMPARABLE = "not-comparable"
    BETTER = "better"
    SAME = "same"


RELATIONS: Mapping[Relation, Text] = {
    Relation.WORSE: {"en": "worse", "fr": "moins bon"},
    Relation.NOT_COMPARABLE: {"en": "not comparable", "fr": "non comparable"},
    Relation.BETTER: {"en": "better", "fr": "meilleur"},
    Relation.SAME: {"en": "same", "fr": "identique"},
}


@dataclass(frozen=True)
class Difference:
    """The place where the exchanges of a test differ that tells most, other than by nature (ids, times)."""

    step: int
    """Position of the step in the test, from 0."""
    exchange: int
    """Position of the exchange in the step, from 0."""
    where: str
    """``method``, ``URL``, ``status``, ``header ETag``, ``body $.name[0].family``, ``number of steps``, …"""
    sent: bool
    """Whether it is in what was sent, not in what was answered."""
    first: str
    second: str


@dataclass(frozen=True)
class TestComparison:
    """One test in both runs; a verdict is None where the run does not have the test."""

    __test__ = False

    test_set: str
    test: str
    title: Text
    relation: Relation
    first: Verdict | None
    second: Verdict | None
    first_reason: Text = field(default_factory=dict)
    second_reason: Text = field(default_factory=dict)
    """Why the verdict; nothing where there is nothing to say."""
    why: Text = field(default_factory=dict)
    """Why it is not comparable, or what else there is to know."""
    difference: Difference | None = None
    flaky: tuple[Verdict, ...] = ()
    """The verdicts of the repeats, when they are not all the same."""


@dataclass(frozen=True)
class Side:
    """One of the two runs."""

    path: str
    run: str
    started: str
    harness: str
    base_url: str
    software: Mapping[str, str]
    verdict: Verdict | None
    counts: Mapping[str, int]
    verified: bool


@dataclass(frozen=True)
class Comparison:
    """Two runs, test by test. The first is what the second is held against."""

    first: Side
    second: Side
    tests: tuple[TestComparison, ...]
    notes: tuple[Text, ...] = ()
    """What differs around the tests: test sets, definitions, versions."""

    @property
    def counts(self) -> dict[Relation, int]:
        """Number of tests by relation, without zeros."""
        found = [test.relation for test in self.tests]
        return {relation: found.count(relation) for relation in Relation if relation in found}

    @property
    def flaky(self) -> tuple[TestComparison, ...]:
        """The tests whose verdict changed between repeats."""
        return tuple(test for test in self.tests if test.flaky)

    @property
    def exit(self) -> Exit:
        """0 same or better, 1 a test is worse, 3 none is worse and some cannot be compared, 5 there is no test."""
        if not self.tests:
            return Exit.NOTHING_RAN
        if Relation.WORSE in self.counts:
            return Exit.FAIL
        return Exit.UNDECIDED if Relation.NOT_COMPARABLE in self.counts else Exit.OK


def as_json(comparison: Comparison) -> dict[str, Any]:
    """Return the comparison for machines."""
    return {
        "first": _side(comparison.first),
        "second": _side(comparison.second),
        "counts": {relation.value: number for relation, number in comparison.counts.items()},
        "exit": int(comparison.exit),
        "notes": [dict(note) for note in comparison.notes],
        "tests": [_test(test) for test in comparison.tests],
    }


def render_json(comparison: Comparison) -> bytes:
    """Return the comparison as an indented JSON document."""
    return dumps(as_json(comparison), indent=True)


def _side(side: Side) -> dict[str, Any]:
    return {
        "path": side.path,
        "run": side.run,
        "started": side.started,
        "harness": side.harness,
        "baseUrl": side.base_url,
        "software": dict(side.software),
        "verdict": side.verdict,
        "counts": dict(side.counts),
        "verified": side.verified,
    }


def _test(test: TestComparison) -> dict[str, Any]:
    found = test.difference
    return {
        "testSet": test.test_set,
        "test": test.test,
        "title": dict(test.title),
        "relation": test.relation.value,
        "first": {"verdict": test.first, "reason": dict(test.first_reason) or None},
        "second": {"verdict": test.second, "reason": dict(test.second_reason) or None},
        "why": dict(test.why) or None,
        "flaky": list(test.flaky),
        "difference": {
            "step": found.step,
            "exchange": found.exchange,
            "where": found.where,
            "sent": found.sent,
            "first": found.first,
            "second": found.second,
        }
        if found
        else None,
    }


def render_text(comparison: Comparison, language: Language, *, everything: bool = False) -> str:
    """Return the comparison in at most 80 columns: the tests that differ, and with ``everything`` the others too."""
    lines = _all_lines(comparison, language, everything)
    return "\n".join(" " * indent + one_line(line, WIDTH - indent) for indent, line in lines)


def _all_lines(comparison: Comparison, language: Language, everything: bool) -> Iterator[tuple[int, str]]:
    for mark, side in (("A", comparison.first), ("B", comparison.second)):
        counts = ", ".join(f"{number} {_verdict(Verdict(name), language)}" for name, number in side.counts.items())
        yield 0, f"{mark} {side.path}: {counts or WORDS[language].nothing}"
    for note in comparison.notes:
        yield 0, f"! {note[language]}"
    for test in comparison.tests:
        if everything or test.relation is not Relation.SAME or test.flaky:
            yield from _lines(test, language)
    totals = ", ".join(f"{number} {RELATIONS[relation][language]}" for relation, number in comparison.counts.items())
    yield 0, totals or WORDS[language].nothing


def _lines(test: TestComparison, language: Language) -> Iterator[tuple[int, str]]:
    change = f"{_verdict(test.first, language)} → {_verdict(test.second, language)}"
    yield 0, f"{RELATIONS[test.relation][language].upper()} ({change}) {test.test_set}/{test.test}"
    if test.why:
        yield 2, test.why[language]
    elif test.second_reason:
        yield 2, test.second_reason[language]
    if test.difference:
        yield 2, f"{place(test.difference, language)}{' :' if language == 'fr' else ':'}"
        yield 4, f"A {value(test.difference.first, language)}"
        yield 4, f"B {value(test.difference.second, language)}"


def place(found: Difference, language: Language) -> str:
    """Return where the difference is, for people."""
    side = {"en": ("answer", "request"), "fr": ("réponse", "requête")}[language][found.sent]
    step = WORDS[language].step
    kind, _, name = found.where.partition(" ")
    where = found.where if language == "en" else _WHERE.get(found.where) or f"{_WHERE.get(kind, kind)} {name}".rstrip()
    return f"{step} {found.step + 1}, {side} {found.exchange + 1}, {where}"


_WHERE = {
    "method": "méthode",
    "status": "statut",
    "body": "corps",
    "header": "en-tête",
    "number of exchanges": "nombre d'échanges",
    "number of steps": "nombre d'étapes",
}


def value(text: str, language: Language) -> str:
    """Return one side of a difference, for people."""
    return "(aucun)" if text == ABSENT and language == "fr" else text


def _verdict(verdict: Verdict | None, language: Language) -> str:
    return WORDS[language].verdicts[verdict] if verdict else "–"


def render_html(comparison: Comparison, language: Language = "en") -> str:
    """Return the page, in English and French, opened in ``language``: what is worse first, what is the same last.

    The same comparison gives the same page.
    """
    order = list(Relation)
    embedded = dumps(as_json(comparison), sort=True).decode("utf-8").replace("<", "\\u003c")
    return template("comparison.html.j2").render(
        comparison=comparison,
        language=language,
        instant=instant,
        tests=sorted(comparison.tests, key=lambda test: order.index(test.relation)),
        relations=RELATIONS,
        verdicts=list(Verdict),
        text=both,
        word=lambda verdict: both({language: _verdict(verdict, language) for language in ("en", "fr")}),
        where=lambda found: both({language: place(found, language) for language in ("en", "fr")}),
        value=lambda text: both({language: value(text, language) for language in ("en", "fr")}),
        safe=printable,
        embedded=Markup(embedded),
    )
