"""The HTML report: one self-contained page, French and English, that reads without JavaScript and runs none."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from markupsafe import Markup

from harness.engine.codec import dumps
from harness.engine.codes import Language
from harness.engine.events import StepFinished
from harness.engine.results import RunResult, TestResult
from harness.engine.verdict import Verdict
from harness.report.completeness import PROVEN, lacking, requirement_verdicts
from harness.report.exchanges import Steps, finding_box
from harness.report.inert import printable
from harness.report.markup import MARKS, both, instant, word
from harness.report.pages import template
from harness.report.picture import matrix, timelines
from harness.report.rules import rules
from harness.report.words import WORDS, reason
from harness.suite.policies import policies, spelled


def render(run: RunResult, embedded: Mapping[str, Any] | None = None, *, signed: bool = False) -> str:
    """Return the page for a run. The same run gives the same page.

    ``embedded`` is carried in the page as JSON for machines. ``signed``: the page belongs to an acceptance file, says
    that ``fhir-harness verify`` checks the signature, and follows from the journal alone: no passage of a catalogue.
    """
    page = template("report.html.j2")
    verdicts = requirement_verdicts(run)
    requirements = [(name, verdicts[name], tests) for name, tests in run.requirements().items()]
    steps = Steps(_every_step(run), len(run.tests), run.started.candidate)
    strips, seconds = timelines(run)
    return page.render(
        run=run,
        language=_language(run.started.command),
        words=WORDS,
        instant=instant,
        signed=signed,
        verdicts=list(Verdict),
        counts=run.counts(),
        word=word,
        text=both,
        safe=printable,
        step_box=steps.step,
        finding_box=finding_box,
        marks=MARKS,
        labels=_labels,
        reason=reason,
        strips=strips,
        seconds=seconds,
        requirements=requirements,
        matrix=matrix(requirements),
        rules={} if signed else rules(run.started),
        numbers={name: number for number, (name, _, _) in enumerate(requirements)},
        unmet=_unmet(requirements),
        lacks=lacking(run),
        choices=_choices(run.started.policies),
        settled=policies().settled,
        sets=[
            (source, _tests(run, source.id, source.tests), run.sets.get(source.id)) for source in run.started.test_sets
        ],
        embedded=_script(embedded) if embedded is not None else None,
    )


def _language(command: Sequence[str]) -> Language:
    """The language that the page opens in: that of the command that made the run."""
    return "fr" if any(pair in (("--lang", "fr"), ("--fhir-lang", "fr")) for pair in pairwise(command)) else "en"


def _unmet(requirements: Sequence[tuple[str, Verdict, Sequence[TestResult]]]) -> dict[Verdict, list[str]]:
    """Requirements that are not met, by what their tests came to, the strongest verdict first."""
    found = {verdict: [name for name, own, _ in requirements if own is verdict] for verdict in Verdict}
    return {verdict: names for verdict, names in found.items() if names and verdict not in PROVEN}


def render_bytes(run: RunResult) -> bytes:
    """Return the page of an unsigned run as UTF-8."""
    return render(run).encode("utf-8")


_Choice = tuple[str, str, str, Mapping[str, str], Mapping[str, str], bool]


def _choices(effective: Mapping[str, Any]) -> list[_Choice]:
    """The choices of a run: name, value, ambiguity, what is chosen, what the value says, and whether it is the default.

    What this harness does not know, because another version or a user made it, is shown without words.
    """
    rows: list[_Choice] = []
    for name, value in effective.items():
        rule = policies().by_name.get(name)
        if rule is None:
            rows.append((name, spelled(value), "", {"en": "", "fr": ""}, {"en": "", "fr": ""}, False))
        else:
            rows.append((name, spelled(value), rule.ambiguity, rule.title, rule.says(value), value == rule.default))
    return rows


def _labels(tests: Sequence[TestResult], numbers: Mapping[str, int]) -> str:
    """The classes of a test set: the verdicts of its tests and the requirements that they verify, for the filters."""
    verdicts = dict.fromkeys(test.verdict.value for test in tests)
    verified = sorted({numbers[name] for test in tests for name in test.started.verifies})
    return " ".join([*verdicts, *(f"r{number}" for number in verified)])


def _every_step(run: RunResult) -> Iterator[StepFinished]:
    for result in run.sets.values():
        yield from (*result.setup, *result.cleanup)
        for test in result.tests.values():
            yield from test.steps


def _tests(run: RunResult, test_set: str, selected: tuple[str, ...]) -> list[TestResult]:
    began = run.sets[test_set].tests if test_set in run.sets else {}
    return [began[test] for test in selected if test in began]


def _script(data: Mapping[str, Any]) -> Markup:
    """JSON that cannot end its script element: ``<`` is spelled ``\\u003c``."""
    return Markup(dumps(dict(data), sort=True).decode("utf-8").replace("<", "\\u003c"))
