"""The team's test sets in place of the submitted ones."""

from pathlib import Path

import pytest

from harness.acceptance.recorded import Recorded
from harness.acceptance.rerun import plan_rerun, rerun
from harness.acceptance.testset_differences import test_digests as digests
from harness.errors import AcceptanceError
from harness.fhir.definitions import Definitions
from harness.report.comparison import Relation
from tests.acceptance.recording import SET, catalogue, record_run, record_with_defects


@pytest.fixture(scope="module")
def definitions() -> Definitions:
    return Definitions.embedded()


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory, sandbox: str, definitions: Definitions) -> Recorded:
    home = tmp_path_factory.mktemp("recorded")
    return record_run(home / "run", home / "sets", catalogue(home / "sets"), sandbox, definitions)


def test_the_same_sets_show_no_difference(recorded: Recorded, tmp_path: Path) -> None:
    plan = plan_rerun(recorded, catalogue(tmp_path / "sets"))
    assert plan.differences == ()
    assert [test_set.id for test_set in plan.test_sets] == ["records"]


def test_titles_and_places_are_no_difference_and_variables_are(tmp_path: Path) -> None:
    (one,) = catalogue(tmp_path / "one").test_sets
    (other,) = catalogue(tmp_path / "two", "# moved\n" + SET.replace("A patient is stored", "Stored")).test_sets
    (third,) = catalogue(tmp_path / "three", SET.replace("random.token", "random.uuid")).test_sets
    assert one.digest != other.digest
    assert digests(one) == digests(other)
    assert all(digests(one)[name] != digest for name, digest in digests(third).items())


def test_a_set_that_the_team_does_not_have_is_refused(recorded: Recorded, tmp_path: Path) -> None:
    other = catalogue(tmp_path / "sets", SET.replace("testset: records", "testset: others"))
    with pytest.raises(AcceptanceError, match="none of its test sets is here"):
        plan_rerun(recorded, other)


def test_repeats_find_what_is_flaky(recorded: Recorded, sandbox: str, definitions: Definitions, tmp_path: Path) -> None:
    sets = tmp_path / "sets"
    loaded = catalogue(sets)
    made: list[tuple[list[str], list[bool]]] = []

    def perform(number, test_sets, select):
        made.append(([found.id for found in test_sets], [number == len(made)]))
        out = tmp_path / str(number)
        if number == 1:
            return record_with_defects(out, sets, loaded, ["invalid-accepted"], definitions)
        return record_run(out, sets, loaded, sandbox, definitions)

    found = rerun(plan_rerun(recorded, loaded), perform, repeat=3)
    assert made == [(["records"], [True])] * 3
    assert {test.test: test.relation for test in found.comparison.tests} == {
        "stored": Relation.SAME,
        "refused": Relation.NOT_COMPARABLE,
    }
    assert [test.flaky for test in found.comparison.flaky] == [("pass", "fail", "pass")]
