"""``fhir-harness testsets``: coverage that fails when it is stale, choices, schemas."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.conftest import SET, Answer

Command = Callable[..., Answer]

RULE = (
    "{{id: A-{0}, actor: {1}, level: SHALL, topic: t, source: s, statement: x, how_to_check: y, negative: z, "
    "basis: stated}}"
)

CLIENT = """\
testset: mini-client
version: 1.0.0
title: {en: A client, fr: Un client}
candidate: client
tests:
  - id: sent
    title: {en: Sent, fr: Envoyé}
    verifies: [A-2]
    steps: [{await: {request: {method: POST}}, expect: {type: Patient}}]
"""


@pytest.fixture
def covered(mini: Path) -> Path:
    """A set with one test, of A-1; A-2 is for clients alone."""
    (mini / "mini.yaml").write_text(SET.replace("    steps:", "    verifies: [A-1]\n    steps:"), encoding="utf-8")
    (mini / "requirements").mkdir()
    _rules(mini, {1: "server", 2: "client"})
    return mini


def _rules(folder: Path, rules: dict[int, str], untested: str = "") -> None:
    lines = "".join(f"  - {RULE.format(number, actor)}\n" for number, actor in rules.items())
    (folder / "requirements" / "rules.yaml").write_text(f"requirements:\n{lines}{untested}", encoding="utf-8")


def _check(command: Command, folder: Path) -> Answer:
    return command("testsets", "coverage", "--check", "--root", folder, "--fixtures", folder)


def test_whole_coverage_passes(command: Command, covered: Path) -> None:
    answer = _check(command, covered)
    assert (answer.exit, answer.err) == (0, "")
    assert "Rules for servers: 1; without a test, for a reason: 0 (at most 8%)" in answer.out
    assert "Rules for clients: 1; with a test for clients: 0" in answer.out
    (covered / "mini.yaml").write_text(CLIENT, encoding="utf-8")
    assert "Rules for clients: 1; with a test for clients: 1" in _check(command, covered).out


@pytest.mark.parametrize("actor", ["server", "both"])
def test_a_rule_with_neither_test_nor_reason_fails(command: Command, covered: Path, actor: str) -> None:
    _rules(covered, {1: "server", 2: "client", 3: actor})
    answer = _check(command, covered)
    assert answer.exit == 1
    assert "Neither a test nor a reason: A-3" in answer.out
    assert command("testsets", "coverage", "--root", covered, "--fixtures", covered).exit == 0


def test_a_stale_reason_fails(command: Command, covered: Path) -> None:
    _rules(covered, {1: "server", 2: "client"}, "untested: {A-1: nobody looked}\n")
    answer = _check(command, covered)
    assert answer.exit == 1
    assert "requirements/rules.yaml:4:12: A-1 has a test now; delete this reason" in answer.out


def test_reasons_for_more_than_a_few_fail(command: Command, covered: Path) -> None:
    rules = dict.fromkeys(range(1, 14), "server")
    tested = ", ".join(f"A-{number}" for number in range(2, 14))
    text = (covered / "mini.yaml").read_text(encoding="utf-8")
    (covered / "mini.yaml").write_text(text.replace("[A-1]", f"[{tested}]"), encoding="utf-8")
    _rules(covered, rules, "untested: {A-1: cannot be seen from outside}\n")
    assert _check(command, covered).exit == 0
    (covered / "mini.yaml").write_text(text.replace("[A-1]", f"[{tested.replace('A-2, ', '')}]"), encoding="utf-8")
    _rules(covered, rules, "untested: {A-1: cannot be seen from outside, A-2: neither}\n")
    answer = _check(command, covered)
    assert (answer.exit, "for a reason: 2 (at most 8%)" in answer.out) == (1, True)


FIXTURE = "fixtures: {one: one.json}\ntests:\n"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("sets/mini.yaml", SET.replace("read:", "raed:"), "sets/mini.yaml:"),
        ("sets/mini.yaml", SET.replace("id: header.Location.id", "id: 'x['"), "sets/mini.yaml:"),
        ("sets/broken.yaml", "a: [", "sets/broken.yaml:2:1: not YAML"),
        ("sets/bytes.yaml", "\N{PILE OF POO}" * 1_200_000, "sets/bytes.yaml:1:1: the file is larger"),
        ("sets/requirements/one.yaml", "a: [", "sets/requirements/one.yaml:2:1: not YAML"),
        ("fixtures/one.json", "{", "fixtures/one.json:1:2: not JSON"),
        ("fixtures/one.json", "[]", "fixtures/one.json:1:1: a fixture is one resource"),
    ],
)
@pytest.mark.parametrize("where", [".", "elsewhere"])
def test_a_fault_names_a_file_that_can_be_opened(
    command: Command, mini: Path, monkeypatch: pytest.MonkeyPatch, where: str, name: str, content: str, said: str
) -> None:
    folder = mini.parent
    for one in ("elsewhere", "fixtures", "sets/requirements"):
        (folder / one).mkdir(exist_ok=True)
    (folder / "fixtures" / "one.json").write_text('{"resourceType": "Patient"}', encoding="utf-8")
    (mini / "mini.yaml").write_text(SET.replace("tests:\n", FIXTURE), encoding="utf-8")
    (folder / name).write_text(content, encoding="utf-8")
    monkeypatch.chdir(folder / where)
    root = "sets" if where == "." else folder / "sets"
    answer = command("testsets", "lint", "--root", root, "--fixtures", folder / "fixtures")
    assert answer.exit in (1, 2)
    shown = said if where == "." else f"{folder.as_posix()}/{said}"
    assert re.search(rf"(^|\s){re.escape(shown)}", answer.out + answer.err)
    assert Path(shown.partition(":")[0]).is_file()


def test_choices_and_what_leaves_none_are_listed(command: Command) -> None:
    answer = command("testsets", "policies")
    assert answer.exit == 0
    assert "offset-unit: page | row  (default page; AMB-11)" in answer.out
    assert "AMB-13: no choice: " in answer.out
    assert "des pages, selon le guide" in command("testsets", "policies", "--lang", "fr").out


def test_the_schema_of_candidate_files_is_printed(command: Command) -> None:
    schema = json.loads(command("testsets", "schema", "--candidate").out)
    assert schema["properties"]["policy"]["properties"]["offset-unit"]["enum"] == ["page", "row"]
