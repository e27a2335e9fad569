"""The HTML report: one self-contained page, French and English, that reads without JavaScript and runs none."""

from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from harness.engine.codec import dumps
from harness.engine.curl import curl
from harness.engine.events import Finding, StepFinished
from harness.engine.results import RunResult, TestResult
from harness.engine.verdict import Verdict, combine
from harness.report.completeness import lacking
from harness.report.inert import pretty_body, printable, status_line
from harness.report.words import WORDS
from harness.suite.policies import policies, spelled

_BODY_LIMIT = 20_000
_BODY_LIMIT_WHERE_ALL_HELD = 1_500
"""Where nothing was found, a body is there for orientation; the journal has it whole."""
_environment = Environment(
    loader=PackageLoader("harness.report"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(run: RunResult, embedded: Mapping[str, Any] | None = None, *, signed: bool = False) -> str:
    """Return the page for a run. The same run gives the same page.

    ``embedded`` is carried in the page as JSON for machines. ``signed``: the page belongs to an acceptance file, and
    says that ``fhir-harness verify`` checks the signature.
    """
    template = _environment.get_template("report.html.j2")
    requirements = [(name, combine(t.verdict for t in tests), tests) for name, tests in run.requirements().items()]
    return template.render(
        run=run,
        signed=signed,
        verdicts=list(Verdict),
        counts=run.counts(),
        word=_word,
        text=_text,
        safe=printable,
        status=status_line,
        curl=curl,
        body=_bodies(),
        findings_of=_findings,
        headers=lambda pairs: "\n".join(f"{printable(name)}: {printable(value)}" for name, value in pairs),
        requirements=requirements,
        unmet=[(name, verdict) for name, verdict, _ in requirements if verdict not in (Verdict.PASS, Verdict.WARN)],
        lacks=lacking(run),
        choices=_choices(run.started.policies),
        settled=policies().settled,
        sets=[
            (source, _tests(run, source.id, source.tests), run.sets.get(source.id)) for source in run.started.test_sets
        ],
        embedded=_script(embedded) if embedded is not None else None,
    )


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


def _tests(run: RunResult, test_set: str, selected: tuple[str, ...]) -> list[TestResult]:
    began = run.sets[test_set].tests if test_set in run.sets else {}
    return [began[test] for test in selected if test in began]


def _findings(step: StepFinished) -> list[Finding]:
    return [finding for check in step.checks for finding in check.findings]


def _word(verdict: Verdict | None) -> Markup:
    """A verdict in both languages; the page shows the one that is chosen."""
    english, french = ((w.verdicts[verdict] if verdict else w.nothing) for w in (WORDS["en"], WORDS["fr"]))
    return _text({"en": english, "fr": french})


def _text(texts: Mapping[str, str]) -> Markup:
    return _spans(texts.get("en", ""), texts.get("fr", ""))


@lru_cache(maxsize=1024)
def _spans(english: str, french: str) -> Markup:
    pieces = [
        f'<span lang="{language}">{escape(printable(text))}</span>'
        for language, text in (("en", english), ("fr", french))
        if text
    ]
    return Markup("".join(pieces))


def _bodies() -> Callable[[bytes], str]:
    """Return what prints bodies; within one page, the same body is read once."""
    return cache(lambda data, found=False: pretty_body(data, _BODY_LIMIT if found else _BODY_LIMIT_WHERE_ALL_HELD))


def _script(data: Mapping[str, Any]) -> Markup:
    """JSON that cannot end its script element: ``<`` is spelled ``\\u003c``."""
    return Markup(dumps(dict(data), sort=True).decode("utf-8").replace("<", "\\u003c"))
