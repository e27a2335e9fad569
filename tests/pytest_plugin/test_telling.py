"""What pytest shows of tests in one line: where ``CI`` is set, in JUnit, and for what is skipped."""

from xml.etree import ElementTree

import pytest

SET = """
testset: mini
version: 1.0.0
title: {en: Mini, fr: Mini}
candidate: server
tests:
  - id: broken-promise
    title: {en: An unknown patient is found, fr: Un patient inconnu est trouvé}
    steps:
      - read: Patient/nobody
        expect: {status: 200}
  - id: not-declared
    title: {en: Something nobody declares, fr: Une chose que personne ne déclare}
    needs: Patient?no-such-parameter
    steps:
      - search: Patient
        expect: {status: 200}
"""
REASON = "status: the status is 404*expected 200"


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("CI", "true")
    (pytester.path / "mini.yaml").write_text(SET, encoding="utf-8")
    return pytester


def _run(project: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return project.runpytest_subprocess("-p", "no:cacheprovider", "mini.yaml", *arguments)


@pytest.mark.parametrize("workers", [(), ("-n", "1")], ids=["alone", "xdist"])
def test_a_summary_has_a_line_for_each_failure(
    project: pytest.Pytester, sandbox: str, workers: tuple[str, ...]
) -> None:
    result = _run(project, "--fhir-base-url", sandbox, "--tb=no", "-rfs", "--junitxml=junit.xml", *workers)
    result.stdout.fnmatch_lines([f"FAILED mini.yaml::broken-promise - {REASON}"])
    result.stdout.fnmatch_lines(["SKIPPED ?1? mini.yaml:12: *no-such-parameter*"])
    assert "GET" not in result.stdout.str()
    failure = next(ElementTree.parse(project.path / "junit.xml").getroot().iter("failure"))
    assert "\n" not in failure.get("message", "")
    assert "GET" in (failure.text or ""), "JUnit's text has the exchange"


def test_an_error_is_told_as_a_failure_is(project: pytest.Pytester) -> None:
    result = _run(project, "--fhir-base-url", "http://127.0.0.1:9/fhir", "--tb=no", "-rE", "-k", "broken")
    result.assert_outcomes(errors=1, deselected=1)
    result.stdout.fnmatch_lines(["ERROR mini.yaml::broken-promise - network.connect*"])
    assert "> GET" not in result.stdout.str()


def test_one_line_each_is_one_line_each(project: pytest.Pytester, sandbox: str) -> None:
    result = _run(project, "--fhir-base-url", sandbox, "--tb=line")
    result.stdout.fnmatch_lines([f"mini.yaml:7: {REASON}"])
    assert "GET" not in result.stdout.str()
