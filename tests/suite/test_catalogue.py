"""The catalogue: what it finds, refuses and selects, and how fast."""

import time
from pathlib import Path

import pytest

from harness.errors import TestSetError
from harness.suite.catalogue import Catalogue
from harness.suite.problem import InvalidFile

DATA = Path(__file__).parent / "data"

SET = """\
testset: {id}
version: 1.0.0
title: {{en: A, fr: B}}
candidate: server
fixtures: {{a: a.json}}
tests:
  - id: one
    title: {{en: A, fr: B}}
    verifies: [{verifies}]
    steps:
      - create: ${{fixtures.a}}
        expect: {{status: 201}}
"""
RULE = """\
requirements:
  - {id: A-1, actor: server, level: SHALL, topic: t, source: s, statement: x,
     how_to_check: y, negative: z, basis: stated}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with the sets ``a``, ``deep-b`` and ``deep-c``, one fixture, one requirement."""
    folder = tmp_path / "testsets"
    for path, name in (("a.yaml", "a"), ("deep/b.yml", "deep-b"), ("deep/er/c.yaml", "deep-c")):
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(SET.format(id=name, verifies="A-1"))
    (folder / "requirements").mkdir()
    (folder / "requirements" / "r.yaml").write_text(RULE)
    (tmp_path / "a.json").write_text('{"resourceType": "Patient"}')
    return folder


def _load(root: Path) -> Catalogue:
    return Catalogue.load(root, root.parent)


def test_sets_are_found_in_the_order_of_their_paths(root: Path) -> None:
    (root / "notes.txt").write_text("not a set")
    (root / "_draft.yaml").write_text("{")
    catalogue = _load(root)
    assert [(found.id, found.path) for found in catalogue.test_sets] == [
        ("a", "a.yaml"),
        ("deep-b", "deep/b.yml"),
        ("deep-c", "deep/er/c.yaml"),
    ]
    assert list(catalogue.requirements.by_id) == ["A-1"]


@pytest.mark.parametrize(
    ("names", "chosen"),
    [
        ([], ["a", "deep-b", "deep-c"]),
        (["."], ["a", "deep-b", "deep-c"]),
        (["deep-c", "a"], ["a", "deep-c"]),
        (["deep"], ["deep-b", "deep-c"]),
        (["deep/"], ["deep-b", "deep-c"]),
        (["deep/er/c.yaml"], ["deep-c"]),
        (["deep", "deep-b"], ["deep-b", "deep-c"]),
    ],
)
def test_selection(root: Path, names: list[str], chosen: list[str]) -> None:
    assert [found.id for found in _load(root).select(names)] == chosen


def test_a_name_that_matches_nothing_is_refused(root: Path) -> None:
    with pytest.raises(TestSetError, match='"deep-d"; did you mean "deep-'):
        _load(root).select(["a", "deep-d"])


def test_one_file_is_a_catalogue(root: Path) -> None:
    assert [found.path for found in Catalogue.load(root / "a.yaml", root.parent).test_sets] == ["a.yaml"]


def test_faults_of_all_sets_come_together(root: Path) -> None:
    (root / "b.yaml").write_text(SET.format(id="a", verifies="A-2"))
    (root / "c.yaml").write_text("testset: [")
    with pytest.raises(InvalidFile) as caught:
        _load(root)
    text = str(caught.value)
    assert 'b.yaml:1:1: the id "a" is that of a.yaml too' in text
    assert 'b.yaml:7:5: the test "one" verifies A-2, which is no requirement; did you mean "A-1"?' in text
    assert "c.yaml:" in text


def test_without_requirements_what_tests_verify_is_not_looked_up(root: Path) -> None:
    (root / "requirements" / "r.yaml").unlink()
    (root / "a.yaml").write_text(SET.format(id="a", verifies="OTHER-1"))
    assert _load(root).test_sets[0].tests[0].verifies == ("OTHER-1",)


def test_nothing_to_load_is_an_error(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "absent.yaml"):
        with pytest.raises(TestSetError, match="there is no test set here"):
            Catalogue.load(path, tmp_path)


def test_the_digest_follows_sets_fixtures_and_requirements(root: Path) -> None:
    digests = [_load(root).digest, _load(root).digest]
    for path in (root / "a.yaml", root.parent / "a.json", root / "requirements" / "r.yaml"):
        path.write_text(path.read_text() + "\n")
        digests.append(_load(root).digest)
    assert len(set(digests)) == 4
    assert digests[0] == digests[1]


def test_twenty_sets_load_in_half_a_second(tmp_path: Path) -> None:
    text = (DATA / "feed.yaml").read_text()
    repeated = text[text.index("  - id: weight-is-stored") : text.index("  - id: weight-without-value")]
    for index in range(20):
        more = "".join(repeated.replace("weight-is-stored", f"more-{number}") for number in range(5))
        (tmp_path / f"{index}.yaml").write_text(text.replace("mes-measures-feed", f"set-{index}") + more)
    Catalogue.load(tmp_path / "0.yaml", DATA / "fixtures")
    best = float("inf")
    for _ in range(3):
        started = time.process_time()
        catalogue = Catalogue.load(tmp_path, DATA / "fixtures")
        best = min(best, time.process_time() - started)
    assert sum(len(found.tests) for found in catalogue.test_sets) == 160
    assert best < 0.5
