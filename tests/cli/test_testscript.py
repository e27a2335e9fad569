"""``testsets export`` and ``testsets import``: scripts go out, come in, and run."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import Definitions
from harness.fhir.xml import to_xml
from harness.suite.loader import load_testset
from tests.cli.conftest import Answer
from tests.suite.testscript.examples import EVERYTHING, PATIENT, claim, operation, script

Command = Callable[..., Answer]
SCRIPTS = Path(__file__).parent.parent / "suite" / "testscript" / "scripts"


@pytest.mark.parametrize(("name", "tests"), [("read", 3), ("chain", 1)])
def test_a_script_that_others_wrote_runs(command: Command, sandbox: str, tmp_path: Path, name: str, tests: int) -> None:
    imported = command("testsets", "import", SCRIPTS / f"{name}.json", "-o", tmp_path)
    assert imported.exit == 0
    assert f"{tests} test{'s' if tests > 1 else ''}, 1 fixture;" in imported.out
    folders = ("--root", tmp_path / "testsets", "--fixtures", tmp_path / "fixtures")
    ran = command("run", *folders, "--base-url", sandbox, "--out", tmp_path / "run")
    assert ran.exit == 0, ran.out
    assert f"PASS  {tests} test" in ran.out


def test_a_script_in_xml_is_the_same(command: Command, tmp_path: Path) -> None:
    chain = json.loads((SCRIPTS / "chain.json").read_text("utf-8"))
    chain["contained"] = [{"resourceType": "Patient", "id": "one", "active": True}]
    chain["fixture"] = [{"id": "patient", "autocreate": False, "autodelete": False, "resource": {"reference": "#one"}}]
    (tmp_path / "chain.json").write_text(json.dumps(chain), encoding="utf-8")
    (tmp_path / "chain.xml").write_bytes(to_xml(chain, Definitions.embedded()))
    for kind in ("json", "xml"):
        assert command("testsets", "import", tmp_path / f"chain.{kind}", "-o", tmp_path / kind).exit == 0
    texts = [(tmp_path / kind / "testsets" / "chain.yaml").read_text("utf-8") for kind in ("json", "xml")]
    assert texts[0] == texts[1]


def test_a_set_goes_out_and_comes_back(command: Command, sandbox: str, tmp_path: Path) -> None:
    exported = command("testsets", "export", "--testscript", "fhir-search", "-o", tmp_path)
    assert exported.exit == 0
    assert "not carried over: " in exported.out
    assert command("testsets", "import", tmp_path / "fhir-search.json", "-o", tmp_path / "in").exit == 0
    folders = ("--root", tmp_path / "in" / "testsets", "--fixtures", tmp_path / "in" / "fixtures")
    ran = command("run", *folders, "--base-url", sandbox, "--out", tmp_path / "run")
    assert ran.exit == 0, ran.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("export", "fhir-search"), "--testscript"),
        (("export", "--testscript", "no-such-set"), "no test set"),
        (("import", "nowhere.json"), "nowhere.json"),
    ],
)
def test_wrong_usage_is_told(command: Command, arguments: tuple[str, ...], message: str) -> None:
    answer = command("testsets", *arguments)
    assert answer.exit == 2
    assert message in answer.err


def test_nothing_is_written_over(command: Command, tmp_path: Path) -> None:
    assert command("testsets", "import", SCRIPTS / "chain.json", "-o", tmp_path).exit == 0
    again = command("testsets", "import", SCRIPTS / "chain.json", "-o", tmp_path)
    assert again.exit == 2
    assert "exists already" in again.err


def _written(folder: Path, script: dict[str, object]) -> Path:
    (folder / "in").mkdir()
    (folder / "in" / "patient-of-ours.json").write_text(json.dumps(PATIENT), encoding="utf-8")
    (folder / "in" / "script.json").write_text(json.dumps(script), encoding="utf-8")
    return folder / "in" / "script.json"


def test_every_construct_runs(command: Command, sandbox: str, tmp_path: Path) -> None:
    file = _written(tmp_path, EVERYTHING)
    without = command("testsets", "import", file, "-o", tmp_path / "without")
    assert "nothing gives given a value; import with --variable given=VALUE" in without.out
    imported = command("testsets", "import", file, "-o", tmp_path, "--variable", "given=Ana")
    assert imported.exit == 0
    assert imported.out.count("carried over otherwise: ") == 6
    assert "4 tests, 1 fixture; 2 not carried over" in imported.out
    folders = ("--root", tmp_path / "testsets", "--fixtures", tmp_path / "fixtures")
    ran = command("run", *folders, "--base-url", sandbox, "--out", tmp_path / "run")
    assert ran.exit == 0, ran.out
    assert "WARN  4 tests" in ran.out  # the links of a single page


def test_a_number_that_is_a_text_stays_one(command: Command, tmp_path: Path) -> None:
    read = operation("read", resource="Patient", params="/${id}")
    content = script(read, claim(response="okay"), variable=[{"name": "id", "defaultValue": "1e5"}])
    assert command("testsets", "import", _written(tmp_path, content), "-o", tmp_path).exit == 0
    root = tmp_path / "testsets"
    loaded = load_testset(root / "own-script.yaml", root=root, fixtures=tmp_path / "fixtures")
    assert loaded.variables == {"id": "1e5"}


@pytest.mark.parametrize(
    ("content", "arguments", "message"),
    [
        ('{"resourceType": "TestScript",', (), "script.json:1:31: not JSON"),
        ("[]", (), "script.json: not a resource; name a TestScript"),
        ("<TestScript", (), "script.json: FHIR XML line 1: not well-formed"),
        ('<TestScript xmlns="http://hl7.org/fhir"><scope/></TestScript>', (), "<scope> is no element of TestScript"),
        ("[" * 5000 + "]" * 5000, (), "nested too deeply"),
        ('{"resourceType": "TestScript"}', (), "script.json: nothing of the script can be run"),
        ('{"resourceType": "TestScript", "profile": ["urn:p"]}', (), "TestScript.profile[0] must be an object"),
        ('{"resourceType": "TestScript"}', ("--variable", "a"), '--variable needs NAME=VALUE, not "a"'),
    ],
)
def test_a_bad_script_is_told_and_nothing_is_written(
    command: Command, tmp_path: Path, content: str, arguments: tuple[str, ...], message: str
) -> None:
    (tmp_path / "script.json").write_text(content, encoding="utf-8")
    answer = command("testsets", "import", tmp_path / "script.json", "-o", tmp_path / "out", *arguments)
    assert answer.exit == 2
    assert message in answer.err
    assert not (tmp_path / "out").exists()


def test_no_name_leads_out_of_the_folder(command: Command, tmp_path: Path) -> None:
    name = "../../../evil"
    content = script(
        operation("create", resource="Patient", sourceId=name),
        claim(response="created"),
        name=name,
        id=name,
        fixture=[{"id": name, "resource": {"reference": "Patient/example"}}],
    )
    file = _written(tmp_path, content)
    before = {path for path in tmp_path.rglob("*") if path.is_file()}
    assert command("testsets", "import", file, "-o", tmp_path / "a" / "b" / "c").exit == 0
    made = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()}
    assert made - {path.relative_to(tmp_path).as_posix() for path in before} == {
        "a/b/c/testsets/evil.yaml",
        "a/b/c/fixtures/evil/x-evil.json",
    }
