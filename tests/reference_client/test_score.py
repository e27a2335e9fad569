"""The score of the test sets for clients: nothing is found on the right client, and each defect is found."""

import pytest

from harness.engine.verdict import Verdict
from tests.reference_client.defects import DEFECTS
from tests.reference_client.scoring import LEAST, Stage, kept, verdicts

SETS = (
    "cisis-agenda-client-appointments",
    "cisis-agenda-client-resources",
    "cisis-documents-client-publish",
    "cisis-documents-client-records",
    "frcore-client-patient",
    "mes-client-access",
    "mes-client-device",
    "mes-client-feed",
    "mes-client-kinds",
    "mes-client-search",
)
KEPT = kept()


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


def test_every_set_for_clients_is_tried(stage: Stage) -> None:
    assert sorted(one.id for one in stage.sets) == sorted(SETS)


@pytest.mark.parametrize("name", SETS)
def test_nothing_is_found_on_the_right_client(stage: Stage, name: str) -> None:
    result = stage.run(sets=[one for one in stage.sets if one.id == name])
    assert {test: verdict for test, verdict in verdicts(result).items() if verdict is not Verdict.PASS} == {}
    assert result.tests


def test_the_other_spelling_of_the_patient(stage: Stage) -> None:
    sets = [one for one in stage.sets if one.id == "mes-client-search"]
    found = verdicts(stage.run(sets=sets, policy={"patient-parameter": "subject:identifier"}))
    assert set(found.values()) == {Verdict.PASS}
    assert len(found) == len(sets[0].tests)


@pytest.mark.parametrize("defect", sorted(DEFECTS))
def test_a_defect_is_found_by_a_test_of_its_requirement(stage: Stage, defect: str) -> None:
    expected = KEPT[defect]["detected-by"]
    assert set(stage.detecting(defect)) & set(expected) or not expected


def test_the_kept_score_is_of_these_defects_and_high_enough() -> None:
    assert {name: one["requirement"] for name, one in KEPT.items()} == {
        name: one.requirement for name, one in DEFECTS.items()
    }
    assert sum(bool(one["detected-by"]) for one in KEPT.values()) >= LEAST * len(DEFECTS)
