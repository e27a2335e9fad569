"""The plugin as its users meet it: in a pytest of its own, over real HTTP."""

from xml.etree import ElementTree

import pytest

SET = """
testset: mini
version: 1.0.0
title: {en: Mini, fr: Mini}
candidate: server
tests:
  - id: stored
    title: {en: A patient is stored, fr: Un patient est stocké}
    tags: [smoke]
    steps:
      - create: {resourceType: Patient, name: [{family: TEST}]}
        expect: {status: 201}
  - id: refused
    title: {en: An unknown gender is refused, fr: Un genre inconnu est refusé}
    control: stored
    steps:
      - create: {resourceType: Patient, gender: robot}
        expect: {status: 422, outcome: {severity: error}}
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


@pytest.fixture
def testsets(pytester: pytest.Pytester) -> pytest.Pytester:
    (pytester.mkdir("sets") / "mini.yaml").write_text(SET, encoding="utf-8")
    (pytester.path / "sets" / "compose.yaml").write_text("services: {}\n", encoding="utf-8")
    return pytester


def _run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", *arguments)


def test_each_test_is_an_item_with_its_verdict(testsets: pytest.Pytester, sandbox: str) -> None:
    result = _run(testsets, "sets", "--fhir-base-url", sandbox, "--junitxml=junit.xml", "-rs")
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*GET */Patient/nobody*", "*HTTP 404*", "*no-such-parameter*"])
    assert "Traceback" not in result.stdout.str()
    root = ElementTree.parse(testsets.path / "junit.xml").getroot()
    verdicts = {case.get("name"): [p.get("value") for p in case.iter("property")] for case in root.iter("testcase")}
    assert verdicts == {"stored": ["pass"], "refused": ["pass"], "broken-promise": ["fail"], "not-declared": ["skip"]}


def test_an_item_runs_alone_with_its_control(testsets: pytest.Pytester, sandbox: str) -> None:
    _run(testsets, "sets", "--fhir-base-url", sandbox, "-k", "refused").assert_outcomes(passed=1, deselected=3)


def test_tags_are_markers(testsets: pytest.Pytester, sandbox: str) -> None:
    result = _run(testsets, "sets", "--fhir-base-url", sandbox, "-m", "smoke", "--strict-markers")
    result.assert_outcomes(passed=1, deselected=3)


def test_workers_of_xdist_share_the_items(testsets: pytest.Pytester, sandbox: str) -> None:
    result = _run(testsets, "sets", "--fhir-base-url", sandbox, "-n", "2")
    result.assert_outcomes(passed=2, failed=1, skipped=1)


def test_a_candidate_that_is_not_there_is_an_error_and_no_failure(testsets: pytest.Pytester) -> None:
    result = _run(testsets, "sets", "--fhir-base-url", "http://127.0.0.1:9/fhir", "-k", "stored")
    result.assert_outcomes(errors=1, deselected=3)
    result.stdout.fnmatch_lines(["*network.connect*"])
    assert "Traceback" not in result.stdout.str()


def test_a_broken_test_set_is_shown_with_its_line(testsets: pytest.Pytester, sandbox: str) -> None:
    broken = SET.replace("read: Patient/nobody", "raed: Patient/nobody")
    (testsets.path / "sets" / "mini.yaml").write_text(broken, encoding="utf-8")
    result = _run(testsets, "sets", "--fhir-base-url", sandbox)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(['*mini.yaml:22:9: unknown key "raed"*did you mean "read"*'])


def test_nothing_is_collected_without_a_candidate(testsets: pytest.Pytester) -> None:
    assert _run(testsets, "sets").ret == pytest.ExitCode.NO_TESTS_COLLECTED


def test_a_wrong_option_is_a_usage_error(testsets: pytest.Pytester) -> None:
    result = _run(testsets, "sets", "--fhir-candidate", "nowhere.yaml")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*nowhere.yaml*"])


def test_people_can_validate_in_their_own_tests(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        def test_mine(fhir_validator):
            assert fhir_validator.validate({"resourceType": "Patient", "active": True}).ok
            assert not fhir_validator.validate({"resourceType": "Patient", "active": "yes"}).ok
        """
    )
    _run(pytester).assert_outcomes(passed=1)
