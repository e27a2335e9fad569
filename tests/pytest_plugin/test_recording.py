"""A pytest session as one recorded run, signed, and checked as the testing team does."""

import json
from pathlib import Path

import pytest

from harness.acceptance.keys import new_keys
from tests.cli.conftest import Answer

SET = """
testset: recorded
version: 1.0.0
title: {en: Recorded, fr: Enregistré}
candidate: server
tests:
  - id: stored
    title: {en: A patient is stored, fr: Un patient est stocké}
    steps:
      - create: {resourceType: Patient, name: [{family: TEST}]}
        expect: {status: 201}
        save: {id: header.Location.id}
      - read: Patient/${id}
        expect: {status: 200, conforms: base}
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
"""


@pytest.fixture
def testsets(pytester: pytest.Pytester) -> pytest.Pytester:
    (pytester.mkdir("sets") / "recorded.yaml").write_text(SET, encoding="utf-8")
    new_keys(pytester.path / "keys", "Éditeur")
    return pytester


ACCEPT = ("--fhir-accept", "signed.zip", "--fhir-key", "keys/key.pem", "--fhir-cert", "keys/chain.pem")


def _run(pytester: pytest.Pytester, *arguments: str) -> pytest.RunResult:
    return pytester.runpytest_subprocess("-p", "no:cacheprovider", "sets", *arguments)


def _command(pytester: pytest.Pytester, *arguments: object) -> Answer:
    words = ["-c", "from harness.cli import main; main()", *map(str, arguments)]
    result = pytester.run(_python(), *words)
    return Answer(int(result.ret), result.stdout.str(), result.stderr.str())


def _python() -> str:
    import sys

    return sys.executable


def test_a_session_is_recorded_and_signed(testsets: pytest.Pytester, sandbox: str) -> None:
    result = _run(testsets, "--fhir-base-url", sandbox, "--fhir-out", "run", *ACCEPT)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*signed signed.zip*"])
    verified = _command(testsets, "verify", "signed.zip", "--trust", "keys/ca.pem", "--format", "json")
    document = json.loads(verified.out)["document"]
    assert (document["counts"], document["complete"]) == ({"fail": 1, "pass": 2}, True)
    judged = _command(testsets, "rejudge", "signed.zip", "--trust", "keys/ca.pem")
    assert (judged.exit, "bit for bit" in judged.out) == (0, True)
    assert (testsets.path / "run" / "journal.ndjson").is_file()


def test_what_is_deselected_is_not_in_the_file(testsets: pytest.Pytester, sandbox: str) -> None:
    result = _run(testsets, "--fhir-base-url", sandbox, "-k", "refused", *ACCEPT)
    result.assert_outcomes(passed=1, deselected=2)
    answer = _command(testsets, "verify", "signed.zip", "--trust", "keys/ca.pem", "--format", "json")
    tests = json.loads(answer.out)["document"]["testSets"][0]["tests"]
    assert [test["id"] for test in tests] == ["stored", "refused"]  # the control came along


def test_a_session_that_stops_early_is_not_signed(testsets: pytest.Pytester, sandbox: str) -> None:
    late = SET + SET[SET.index("  - id: broken") :].replace("broken-promise", "second") * 1
    slow = "".join(
        SET[SET.index("  - id: stored") : SET.index("  - id: refused")].replace("stored", f"more-{n}")
        for n in range(40)
    )
    (testsets.path / "sets" / "recorded.yaml").write_text(late + slow, encoding="utf-8")
    result = _run(testsets, "--fhir-base-url", sandbox, "-x", "--fhir-out", "run", *ACCEPT)
    assert result.ret == pytest.ExitCode.TESTS_FAILED
    why = "the session ended before the run did; what came before is recorded in run; go on with --fhir-resume run"
    result.stdout.fnmatch_lines([f"*signed.zip: not signed, {why}"])
    assert not (testsets.path / "signed.zip").exists()


def test_workers_are_refused_with_the_reason(testsets: pytest.Pytester, sandbox: str) -> None:
    result = _run(testsets, "--fhir-base-url", sandbox, "-n", "2", "--fhir-out", "run")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*do not go with -n*an acceptance file holds one run*"])
    assert not (testsets.path / "run").exists()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (ACCEPT[:2], "*--fhir-accept needs --fhir-key and --fhir-cert*"),
        (ACCEPT[2:], "*name it with --fhir-accept*"),
        (("--fhir-accept", "keys/key.pem", *ACCEPT[2:]), "*exists already*"),
        (("--fhir-out", "keys"), "*holds something already*"),
        ((*ACCEPT[:3], "keys/none.pem", *ACCEPT[4:]), "*none.pem: cannot be read*"),
    ],
)
def test_options_that_do_not_fit_are_usage_errors(
    testsets: pytest.Pytester, options: tuple[str, ...], message: str
) -> None:
    result = _run(testsets, "--fhir-base-url", "http://127.0.0.1:9/fhir", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_two_folders_of_test_sets_are_not_one_run(testsets: pytest.Pytester, sandbox: str) -> None:
    other = testsets.mkdir("others")
    (other / "other.yaml").write_text(SET.replace("testset: recorded", "testset: other"), encoding="utf-8")
    result = _run(testsets, "others", "--fhir-base-url", sandbox, "--fhir-out", "run")
    result.assert_outcomes(errors=6)
    result.stdout.fnmatch_lines(["*one folder of test sets, here are several*"])
    assert Path(testsets.path / "run" / "journal.ndjson").exists() is False
