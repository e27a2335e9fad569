"""``testsets export`` and ``testsets import``: scripts go out, come in, and run."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import Definitions
from harness.fhir.xml import to_xml
from tests.cli.conftest import Answer

Command = Callable[..., Answer]
SCRIPTS = Path(__file__).parent.parent / "suite" / "testscript" / "scripts"


@pytest.mark.parametrize(("script", "tests"), [("read", 3), ("chain", 1)])
def test_a_script_that_others_wrote_runs(
    command: Command, sandbox: str, tmp_path: Path, script: str, tests: int
) -> None:
    imported = command("testsets", "import", SCRIPTS / f"{script}.json", "-o", tmp_path)
    assert imported.exit == 0
    assert f"{tests} tests, 1 fixtures" in imported.out
    folders = ("--root", tmp_path / "testsets", "--fixtures", tmp_path / "fixtures")
    ran = command("run", *folders, "--base-url", sandbox, "--out", tmp_path / "run")
    assert ran.exit == 0, ran.out
    assert f"PASS  {tests} test" in ran.out


def test_a_script_in_xml_is_the_same(command: Command, tmp_path: Path) -> None:
    script = json.loads((SCRIPTS / "chain.json").read_text("utf-8"))
    del script["fixture"]
    script["contained"] = [{"resourceType": "Patient", "id": "one", "active": True}]
    script["fixture"] = [{"id": "patient", "autocreate": False, "autodelete": False, "resource": {"reference": "#one"}}]
    (tmp_path / "chain.json").write_text(json.dumps(script), encoding="utf-8")
    (tmp_path / "chain.xml").write_bytes(to_xml(script, Definitions.embedded()))
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
