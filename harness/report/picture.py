"""The run as a picture: when the tests of each set ran, and the requirements as a field of verdicts."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from markupsafe import Markup, escape

from harness.engine.results import RunResult, TestResult
from harness.engine.verdict import Verdict
from harness.report.inert import printable
from harness.report.markup import MARKS, escaped, spans

_WIDTH = 1000
_NARROWEST = 3


def timelines(run: RunResult) -> tuple[Mapping[str, Markup], float]:
    """Return for each test set a strip of its tests, each a bar from its begin to its end, and the seconds of them all.

    A run that was resumed, or whose instants cannot be read, has the strips that they allow.
    """
    spans_of = {name: list(_spans(result.tests.values())) for name, result in run.sets.items()}
    begins = [begin for bars in spans_of.values() for begin, _, _ in bars]
    ends = [end for bars in spans_of.values() for _, end, _ in bars]
    first = min(begins, default=0.0)
    total = max(max(ends, default=0.0) - first, 0.001)
    return {name: _strip(bars, first, total) for name, bars in spans_of.items()}, total


_Bar = tuple[float, float, Verdict]


def _spans(tests: Iterable[TestResult]) -> Iterable[_Bar]:
    for test in tests:
        try:
            begin = datetime.fromisoformat(test.started.now).timestamp()
        except (ValueError, OverflowError):
            continue
        yield begin, begin + (test.finished.elapsed if test.finished else 0.0), test.verdict


def _strip(bars: Sequence[_Bar], first: float, total: float) -> Markup:
    """One path a verdict, the weightiest drawn last; what it shows is told by the counts beside it."""
    paths = []
    for verdict in reversed(Verdict):
        drawn = []
        for begin, end, which in bars:
            if which is verdict:
                left = round((begin - first) / total * _WIDTH)
                width = max(round((end - begin) / total * _WIDTH), _NARROWEST)
                drawn.append(f"M{min(left, _WIDTH - width)} 0h{width}v12h-{width}z")
        if drawn:
            paths.append(f'<path class="{verdict.value}" d="{"".join(drawn)}"/>')
    attributes = f'class="strip" viewBox="0 0 {_WIDTH} 12" preserveAspectRatio="none" aria-hidden="true"'
    return Markup(f"<svg {attributes}>{''.join(paths)}</svg>")


def matrix(requirements: Iterable[tuple[str, Verdict, object]]) -> Markup:
    """Return a row for each family of requirements (``FHIR-REST``), in it a sign for each that leads to its tests."""
    families: dict[str, list[tuple[str, Verdict]]] = {}
    for name, verdict, _ in requirements:
        families.setdefault(name.rpartition("-")[0] or name, []).append((name, verdict))
    rows = []
    for family, members in families.items():
        cells = "".join(
            f'<a class="cell {verdict.value}" href="#req-{_attribute(name)}" title="{_attribute(name)}">'
            f'<span class="away">{escaped(name)} </span>{MARKS[verdict]}</a>'
            for name, verdict in members
        )
        rows.append(f'<tr><th scope="row">{escaped(family)}</th><td class="cells">{cells}</td></tr>')
    head = f'<th scope="col">{spans("Family", "Famille")}</th><th scope="col">{spans("Requirements", "Exigences")}</th>'
    return Markup(f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody>")


def _attribute(text: str) -> Markup:
    return escape(printable(text))
