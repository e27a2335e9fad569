"""One test in plain text, in either language."""

from dataclasses import replace

from harness.data import folder
from harness.engine.codes import Language
from harness.engine.results import RunResult, TestResult
from harness.report.text import describe
from harness.suite.requirements import FOLDER, load_requirements
from tests.runs import HOSTILE, events


def _test(name: str) -> TestResult:
    return RunResult.read(events()).sets["patient"].tests[name]


def _lines(name: str, language: Language) -> list[str]:
    return describe(_test(name), language=language).splitlines()


def test_findings_are_told_in_the_language_that_is_asked_for() -> None:
    assert _lines("refuses", "en")[:2] == ["status: expected 404, found 500 " + _inert(), "    expected: 404"]
    assert _lines("refuses", "fr")[:2] == ["status : attendu 404, trouvé 500", "    attendu : 404"]
    assert any(line.startswith("étape 1 : read") for line in _lines("refuses", "fr"))


def test_what_has_no_finding_tells_its_reason() -> None:
    assert _lines("skips", "fr") == ["Patient.patch is not declared"]


def test_what_a_requirement_says_and_where_is_told() -> None:
    shipped = load_requirements(folder("testsets") / FOLDER)
    run = RunResult.read(events())
    test = run.sets["patient"].tests["refuses"]
    name = min(shipped.by_id)
    check = test.steps[0].checks[0]
    broken = replace(check, findings=tuple(replace(one, requirements=(name,)) for one in check.findings))
    test.steps[0] = replace(test.steps[0], checks=(broken, *test.steps[0].checks[1:]))
    said = f"{name}: {shipped.by_id[name].statement} ({shipped.by_id[name].source})"
    assert said in describe(test, replace(run.started, requirements_digest=shipped.digest)).splitlines()
    assert said not in describe(test, replace(run.started, requirements_digest="another"))


def test_what_a_candidate_said_is_inert_and_can_be_sent_again() -> None:
    text = describe(_test("refuses"))
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\n$ curl " in text


def test_why_no_answer_came_is_told_in_the_language_that_is_asked_for() -> None:
    test = _test("refuses")
    lost = replace(test.steps[0].exchanges[0], response=None, error="refused", error_fr="refusée")
    test.steps[0] = replace(test.steps[0], exchanges=(lost,))
    assert "< refused" in describe(test).splitlines()
    assert "< refusée" in describe(test, language="fr").splitlines()


def test_what_a_client_sent_is_not_ours_to_send_again() -> None:
    test = _test("refuses")
    test.steps[0] = replace(test.steps[0], interaction="await")
    assert "> GET http://127.0.0.1:1/fhir/Patient/1" in describe(test)
    assert "curl" not in describe(test)


def _inert() -> str:
    return HOSTILE.replace("\x1b", "\\x1b").replace("\u202e", "\\x202e").replace("\x00", "\\x00")
