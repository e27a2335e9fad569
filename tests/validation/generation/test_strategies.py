"""Good instances: valid all, varied, shrinking to what must be there, the same for the same seed."""

import json

import pytest
from hypothesis import HealthCheck, find, given, settings

from harness.errors import UsageError
from harness.fhir.definitions import Definitions
from harness.validation import Validator
from harness.validation.generation import strategies
from harness.validation.generation.strategies import instances, sample

DEFINITIONS = Definitions.embedded()
VALIDATOR = Validator(DEFINITIONS)
TYPES = ("Appointment", "DocumentReference", "Observation", "Patient")
PATIENT = "https://hl7.fr/ig/fhir/core/StructureDefinition/fr-core-patient"


def restated() -> list[str]:
    """Every profile of the four resources that is not HL7's own."""
    found = []
    for canonical in DEFINITIONS.canonicals("StructureDefinition"):
        structure = DEFINITIONS.structure(canonical) or {}
        base = canonical.startswith("http://hl7.org/fhir/StructureDefinition/")
        if structure.get("derivation") == "constraint" and structure.get("type") in TYPES and not base:
            found.append(canonical)
    return found


def test_the_french_profiles_are_there() -> None:
    assert len(restated()) > 50


@pytest.mark.parametrize("profile", restated())
def test_twenty_instances_are_valid_and_differ(profile: str) -> None:
    made = sample(instances(profile, DEFINITIONS, validator=VALIDATOR), 20, seed=1)
    assert len(made) == 20
    assert len({json.dumps(one, sort_keys=True) for one in made}) == 20
    assert len({frozenset(one) for one in made}) > 4  # the elements differ, and not only their values
    for one in made:
        assert VALIDATOR.validate(one, [profile]).ok


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(instances(PATIENT, DEFINITIONS, validator=VALIDATOR))
def test_a_patient_survives_json(patient: dict) -> None:
    again = json.loads(json.dumps(patient))
    assert again == patient
    assert VALIDATOR.validate(again, [PATIENT]).ok


@pytest.mark.parametrize("seed", [0, 7, 2**31 - 1])
def test_a_seed_decides(seed: int) -> None:
    strategy = instances(PATIENT, DEFINITIONS, validator=VALIDATOR)
    assert sample(strategy, 4, seed) == sample(strategy, 4, seed)


def test_other_seeds_give_other_instances() -> None:
    strategy = instances(PATIENT, DEFINITIONS, validator=VALIDATOR)
    assert sample(strategy, 6, 1)[1:] != sample(strategy, 6, 2)[1:]


def test_instances_shrink_to_what_must_be_there() -> None:
    strategy = instances("http://hl7.org/fhir/StructureDefinition/Basic", DEFINITIONS, validator=VALIDATOR)
    quick = settings(max_examples=200, deadline=None, database=None)
    least = find(strategy, lambda one: "created" in one, settings=quick)
    assert set(least) == {"resourceType", "code", "created"}
    assert len(least["code"]) == 1


def test_a_profile_that_is_not_known() -> None:
    with pytest.raises(UsageError, match="add the package"):
        instances("https://exemple.example/none", DEFINITIONS)


def test_a_data_type_is_no_resource() -> None:
    with pytest.raises(UsageError, match="HumanName"):
        instances("http://hl7.org/fhir/StructureDefinition/HumanName", DEFINITIONS)


def test_without_hypothesis(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(strategies, "hypothesis", None)
    with pytest.raises(UsageError, match=r"pip install 'fhir-harness\[generate\]'"):
        instances(PATIENT, DEFINITIONS)


PROVIDED = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-comprehensive-provide-document-bundle"


def test_what_an_entry_holds_may_contain_what_it_refers_to() -> None:
    for one in sample(instances(PROVIDED, DEFINITIONS, validator=VALIDATOR), 3, seed=1):
        sets = [entry["resource"] for entry in one["entry"] if entry["resource"]["resourceType"] == "List"]
        assert sets
        assert all(inner.get("contained") for inner in sets if inner["mode"] == "working" and "source" in inner)
        assert VALIDATOR.validate(one, [PROVIDED]).ok


def test_where_no_instance_is_good_none_is_given() -> None:
    assert sample(instances(PATIENT, DEFINITIONS, validator=VALIDATOR).filter(lambda _: False), 2, seed=1) == []
