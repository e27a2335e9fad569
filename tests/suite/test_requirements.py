"""The requirement catalogue as it is shipped, what its loader refuses, and coverage."""

from pathlib import Path

import pytest

from harness.suite.model import Location, Test, TestSet
from harness.suite.problem import InvalidFile
from harness.suite.requirements import Requirements, coverage, load_requirements

SHIPPED = Path(__file__).parents[2] / "testsets" / "requirements"

ENTRY = """\
requirements:
  - {id: A-1, actor: server, level: SHALL, topic: t, source: s, statement: x, how_to_check: y, negative: z,
     basis: stated}
  - {id: A-2, actor: both, level: MAY, topic: u, source: s, statement: x, how_to_check: y, negative: z, basis: standard,
     ambiguity: [AMB-1]}
ambiguities:
  - {id: AMB-1, where: w, issue: i, handling: h}
untested:
  A-2: the answer cannot be seen from outside
"""


def _load(tmp_path: Path, *texts: str) -> Requirements:
    for index, text in enumerate(texts):
        (tmp_path / f"{index}.yaml").write_text(text)
    return load_requirements(tmp_path)


def _set(*verified: tuple[str, ...]) -> TestSet:
    tests = tuple(
        Test(f"t{index}", {"en": "a", "fr": "b"}, Location("set.yaml", index, 1), verifies=verifies)
        for index, verifies in enumerate(verified)
    )
    return TestSet("set", "1.0.0", {"en": "a", "fr": "b"}, "server", tests, "set.yaml", "0" * 64)


def test_the_shipped_catalogue_is_whole() -> None:
    shipped = load_requirements(SHIPPED)
    assert len(shipped.by_id) == 347
    assert len(shipped.ambiguities) == 49
    levels = [requirement.level for requirement in shipped.by_id.values()]
    assert (levels.count("SHALL"), levels.count("SHOULD"), levels.count("MAY")) == (321, 24, 2)
    assert all(requirement.negative and requirement.how_to_check for requirement in shipped.by_id.values())
    assert {name for requirement in shipped.by_id.values() for name in requirement.ambiguity} <= set(
        shipped.ambiguities
    )
    assert len(shipped.digest) == 64


def test_each_file_holds_whole_topics() -> None:
    shipped = load_requirements(SHIPPED)
    files: dict[str, set[str]] = {}
    for requirement in shipped.by_id.values():
        files.setdefault(requirement.topic, set()).add(shipped.locations[requirement.id].file)
    assert {topic: len(places) for topic, places in files.items()} == dict.fromkeys(files, 1)


def test_an_entry(tmp_path: Path) -> None:
    loaded = _load(tmp_path, ENTRY)
    assert loaded.by_id["A-2"].ambiguity == ("AMB-1",)
    assert loaded.by_id["A-1"].negative == "z"
    assert loaded.ambiguities["AMB-1"].handling == "h"
    assert loaded.untested == {"A-2": "the answer cannot be seen from outside"}
    assert (loaded.locations["A-1"].line, loaded.locations["untested.A-2"].line) == (2, 9)


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("actor: server", "actor: sever", r'0.yaml:2:22: actor: must be one of .* did you mean "server"'),
        ("basis: stated", "bases: stated", 'unknown key "bases" in requirement; did you mean "basis"'),
        ("topic: t, ", "", 'requirement has no "topic"'),
        ("id: A-2", "id: A-1", r'0.yaml:4:5: the id "A-1" stands already at .*0.yaml:2:5'),
        ("[AMB-1]", "[AMB-2]", '0.yaml:4:5: there is no ambiguity "AMB-2"; did you mean "AMB-1"'),
        ("  A-2: the", "  A-3: the", '0.yaml:9:3: there is no requirement "A-3"'),
        ("statement: x", "statement: ' '", "statement: must be a text that says something"),
        ("requirements:", "requirement:", 'unknown key "requirement" in requirement file'),
    ],
)
def test_faults_have_a_place(tmp_path: Path, before: str, after: str, message: str) -> None:
    assert before in ENTRY
    with pytest.raises(InvalidFile, match=message):
        _load(tmp_path, ENTRY.replace(before, after, 1))


def test_faults_of_all_files_come_together(tmp_path: Path) -> None:
    with pytest.raises(InvalidFile) as caught:
        _load(tmp_path, "a: [", "b: 1")
    assert {problem.location.file.rsplit("/")[-1] for problem in caught.value.problems} == {"0.yaml", "1.yaml"}


def test_the_digest_follows_every_byte(tmp_path: Path) -> None:
    first = _load(tmp_path, ENTRY).digest
    assert _load(tmp_path, ENTRY).digest == first
    assert _load(tmp_path, ENTRY + "# x\n").digest != first


def test_coverage(tmp_path: Path) -> None:
    loaded = _load(tmp_path, ENTRY)
    none = coverage([], loaded)
    assert [rule.id for rule in none.missing] == ["A-1"]
    assert none.topics() == {"t": (0, 0, 1), "u": (0, 1, 0)}
    joined = coverage([_set(("A-1",), ("A-1", "A-2"))], loaded)
    assert joined.tests == {"A-1": (("set", "t0"), ("set", "t1")), "A-2": (("set", "t1"),)}
    assert joined.missing == []
    assert joined.stale == ["A-2"]
    assert joined.topics() == {"t": (1, 0, 0), "u": (1, 0, 0)}


def test_an_unknown_requirement_is_named(tmp_path: Path) -> None:
    loaded = _load(tmp_path, ENTRY)
    problems = loaded.unknown(_set(("A-1", "A-11")).tests[0])
    assert [str(problem) for problem in problems] == [
        'set.yaml:0:1: the test "t0" verifies A-11, which is no requirement; did you mean "A-1"?'
    ]
