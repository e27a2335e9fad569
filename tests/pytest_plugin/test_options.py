"""What the command takes, the plugin takes, by option or ini; and pytest's own options mean what they always do."""

from pathlib import Path
from xml.etree import ElementTree

import pytest
from typer.main import get_command

from harness.cli.run import app
from harness.errors import UsageError
from harness.pytest_plugin.options import OPTIONS, Settings
from tests.fhir.test_tx import SmallServer, served
from tests.pytest_plugin.test_plugin import SET


@pytest.fixture
def testsets(pytester: pytest.Pytester) -> pytest.Pytester:
    (pytester.mkdir("sets") / "mini.yaml").write_text(SET, encoding="utf-8")
    return pytester


def _tests(page: Path) -> dict[str, str]:
    """Id to verdict of each test on a page."""
    text = page.read_text("utf-8")
    return {part.partition('"')[0].rpartition(".")[2]: part for part in text.split(' id="mini.')[1:]}


@pytest.mark.parametrize("workers", [(), ("-n", "2")])
def test_one_page_tells_of_the_whole_session(testsets: pytest.Pytester, sandbox: str, workers: tuple[str, ...]) -> None:
    result = testsets.runpytest_subprocess(
        "sets", "--fhir-base-url", sandbox, "--fhir-report-html", "out/page.html", "--fhir-seed", "7", *workers
    )
    result.assert_outcomes(passed=2, failed=1, skipped=1)
    result.stdout.fnmatch_lines(["*--fhir-seed 7*", "*report: out/page.html*"])
    page = testsets.path / "out" / "page.html"
    assert list(_tests(page)) == ["stored", "refused", "broken-promise", "not-declared"]
    assert "This run was cut off" not in page.read_text("utf-8")


def test_the_ini_file_is_enough_and_what_failed_runs_again(testsets: pytest.Pytester, sandbox: str) -> None:
    testsets.makeini(
        f"""
        [pytest]
        testpaths = sets
        fhir_base_url = {sandbox}
        fhir_header =
            X-One: 1
            X-Two: 2
        fhir_report_html = page.html
        """
    )
    testsets.runpytest_subprocess().assert_outcomes(passed=2, failed=1, skipped=1)
    assert "X-Two: 2" in (testsets.path / "page.html").read_text("utf-8")
    again = testsets.runpytest_subprocess("--lf")
    again.assert_outcomes(failed=1)
    assert list(_tests(testsets.path / "page.html")) == ["broken-promise"]


def test_x_stops_after_the_first_failure(testsets: pytest.Pytester, sandbox: str) -> None:
    turned = SET.replace("id: stored", "id: first").replace("control: stored", "control: first")
    head, tests = turned.split("tests:\n")
    broken = tests[tests.index("  - id: broken") : tests.index("  - id: not-")]
    (testsets.path / "sets" / "mini.yaml").write_text(f"{head}tests:\n{broken}{tests.replace(broken, '')}", "utf-8")
    result = testsets.runpytest_subprocess("sets", "--fhir-base-url", sandbox, "-x", "-p", "no:cacheprovider")
    result.assert_outcomes(failed=1)


def test_junit_tells_failures_from_errors(testsets: pytest.Pytester, sandbox: str) -> None:
    testsets.runpytest_subprocess("sets", "--fhir-base-url", sandbox, "--junitxml=there.xml", "-p", "no:cacheprovider")
    address = ("--fhir-base-url", "http://127.0.0.1:9/fhir")
    testsets.runpytest_subprocess("sets/mini.yaml", *address, "-k", "stored", "--junitxml=gone.xml")
    there = ElementTree.parse(testsets.path / "there.xml").getroot()
    gone = ElementTree.parse(testsets.path / "gone.xml").getroot()
    told = {
        case.get("name"): [part.tag for part in case if part.tag != "properties"] for case in there.iter("testcase")
    }
    assert told == {"stored": [], "refused": [], "broken-promise": ["failure"], "not-declared": ["skipped"]}
    (case,) = gone.iter("testcase")
    assert case.find("failure") is None
    text = case.find("error").text
    assert text.startswith("network.connect")
    assert "def setup" not in text


CODED = """
testset: coded
version: 1.0.0
title: {en: Coded, fr: Codé}
candidate: server
tests:
  - id: coded
    title: {en: A code of elsewhere, fr: Un code venu d'ailleurs}
    steps:
      - create:
          resourceType: Patient
          maritalStatus: {coding: [{system: "http://snomed.info/sct", code: "40983000"}]}
        expect: {status: 201, conforms: base}
"""


def test_a_terminology_server_is_asked_and_its_answers_are_kept(testsets: pytest.Pytester, sandbox: str) -> None:
    (testsets.path / "sets" / "mini.yaml").write_text(CODED, "utf-8")
    lock, small = testsets.path / "tx.lock.json", SmallServer()
    with served(small.app) as address:
        options = ("sets", "--fhir-base-url", sandbox, "--fhir-tx-lock", str(lock))
        testsets.runpytest_subprocess(*options, "--fhir-tx", address).assert_outcomes(passed=1)
    assert [asked["code"] for asked in small.asked[:1]] == ["40983000"]
    assert "40983000" in lock.read_text("utf-8")
    testsets.runpytest_subprocess(*options).assert_outcomes(passed=1)


def test_all_shards_together_are_all_tests(testsets: pytest.Pytester, sandbox: str) -> None:
    seen = []
    for part in ("1/2", "2/2"):
        options = ("--fhir-base-url", sandbox, "--fhir-shard", part, "-p", "no:cacheprovider")
        result = testsets.runpytest_subprocess("sets", *options, "--collect-only", "-q")
        seen += [line.rpartition("::")[2] for line in result.stdout.lines if "::" in line]
    assert sorted(seen) == ["broken-promise", "not-declared", "refused", "stored"]


PYTESTS = {"testset", "root", "test", "tag", "fail-fast", "quiet"}
"""What pytest has itself: its arguments and testpaths, ``-k``, ``-m``, ``-x``, ``-q``."""
ALONE = {"accept", "key", "cert", "report-html"}
"""What other commands do, and the page of a session that is not recorded."""


def test_what_the_command_takes_the_plugin_takes() -> None:
    names = {str(one.name).replace("_", "-").removesuffix("-url") for one in get_command(app).params}
    ours = {one.name.removesuffix("-url") for one in OPTIONS}
    assert names - PYTESTS == ours - ALONE


def test_every_option_has_an_ini_twin(pytester: pytest.Pytester) -> None:
    lines = {"text": "x", "number": "3", "list": "a\n    b", "file": "f.yaml", "flag": "true"}
    content = "\n".join(f"fhir_{one.name.replace('-', '_')} = {lines[one.kind]}" for one in OPTIONS)
    pytester.makeini(f"[pytest]\n{content}\n")
    settings = Settings(pytester.parseconfig())
    assert settings.number("jobs") == 3
    assert settings.every("package") == ["a", "b"]
    assert settings.file("candidate") == pytester.path / "f.yaml"
    assert settings.flag("redact-identities") is True
    assert settings.token() == "x"
    assert all(settings.given(one.name) for one in OPTIONS)


def test_the_command_line_comes_before_the_ini_file(pytester: pytest.Pytester) -> None:
    pytester.makeini("[pytest]\nfhir_seed = 3\nfhir_package = a\n")
    settings = Settings(pytester.parseconfig("--fhir-seed", "4", "--fhir-package", "b"))
    assert settings.number("seed") == 4
    assert settings.every("package") == ["b"]


def test_a_seed_may_be_zero(testsets: pytest.Pytester, sandbox: str) -> None:
    options = ("sets", "--fhir-base-url", sandbox, "--fhir-seed", "0", "--collect-only")
    testsets.runpytest_subprocess(*options).stdout.fnmatch_lines(["*--fhir-seed 0"])


@pytest.mark.parametrize("option", ["--fhir-header=secret-without-colon", "--fhir-seed=many"])
def test_a_value_of_another_form_is_told(pytester: pytest.Pytester, option: str) -> None:
    settings = Settings(pytester.parseconfig(option))
    with pytest.raises(UsageError) as problem:
        settings.pairs("header", ":")
        settings.number("seed")
    assert "secret" not in str(problem.value)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--fhir-shard", "3/2"), "*K from 1 to N*"),
        (("--fhir-jobs", "0"), "*--fhir-jobs needs 1 to 64, not 0*"),
        (("--fhir-report", "har"), "*--fhir-out DIR*"),
        (("--fhir-tx-lock", "nowhere.json"), "*nowhere.json*"),
        (("--fhir-tx", "no address"), "*not an address of a terminology server*"),
        (("--fhir-tx", "http://127.0.0.1:9/r4", "--fhir-tx-lock", "new.json", "-n", "2"), "*does not go with -n*"),
    ],
)
def test_options_that_make_no_sense_are_usage_errors(
    testsets: pytest.Pytester, options: tuple[str, ...], message: str
) -> None:
    result = testsets.runpytest_subprocess("sets", "--fhir-base-url", "http://127.0.0.1:9/fhir", *options)
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines([message])


def test_a_candidate_on_the_command_line_wins_over_that_of_the_ini_file(
    testsets: pytest.Pytester, sandbox: str
) -> None:
    (testsets.path / "other.yaml").write_text(f"base-url: {sandbox}\n", encoding="utf-8")
    testsets.makeini(
        """
        [pytest]
        fhir_base_url = http://127.0.0.1:9/fhir
        fhir_header = X-One: 1
        """
    )
    result = testsets.runpytest_subprocess("sets", "--fhir-candidate", "other.yaml", "-k", "stored")
    result.assert_outcomes(passed=1, deselected=3)
    for more in (("--fhir-base-url", sandbox), ("--fhir-token", "abc")):
        result = testsets.runpytest_subprocess("sets", "--fhir-candidate", "other.yaml", *more)
        assert result.ret == pytest.ExitCode.USAGE_ERROR
    testsets.makeini("[pytest]\nfhir_candidate = other.yaml\n")
    result = testsets.runpytest_subprocess("sets", "--fhir-base-url", "http://127.0.0.1:9/fhir", "-k", "stored")
    result.assert_outcomes(errors=1, deselected=3)
