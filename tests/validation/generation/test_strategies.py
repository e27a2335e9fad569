"""Good instances: valid all, varied, shrinking to what must be there, the same for the same seed."""

import json
from datetime import datetime, timedelta

import pytest
from hypothesis import HealthCheck, find, given, settings

from harness.errors import UsageError
from harness.fhir.definitions import Definitions
from harness.fhir.primitives import compare_temporal
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


@pytest.mark.parametrize("typed", ["fr-core-patient", PATIENT.replace("patient", "patent")])
def test_a_slip_in_the_name_of_a_profile_names_the_nearest(typed: str) -> None:
    with pytest.raises(UsageError, match=f'did you mean "{PATIENT}"'):
        instances(typed, DEFINITIONS)


def test_a_version_that_is_not_known_is_not_claimed() -> None:
    known = (DEFINITIONS.structure(PATIENT) or {})["version"]
    assert sample(instances(f"{PATIENT}|{known}", DEFINITIONS, validator=VALIDATOR), 1, seed=1)
    with pytest.raises(UsageError, match=f"the version that is known is {known}"):
        instances(f"{PATIENT}|9.9.9", DEFINITIONS)


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


GAP = "https://interop.esante.gouv.fr/ig/fhir/gap/StructureDefinition/"
WEIGHT = "https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/mesures-fr-observation-body-weight"


def drawn(profile: str) -> list[dict]:
    return sample(instances(profile, DEFINITIONS, validator=VALIDATOR), 40, seed=2)


@pytest.mark.parametrize("profile", [f"{GAP}gap-fr-slot", f"{GAP}gap-fr-appointment"])
def test_what_is_booked_ends_some_minutes_after_it_starts(profile: str) -> None:
    booked = [one for one in drawn(profile) if "end" in one]
    assert len(booked) > 10
    for one in booked:
        lasting = datetime.fromisoformat(one["end"]) - datetime.fromisoformat(one["start"])
        assert timedelta(0) < lasting <= timedelta(hours=1)
        assert one.get("minutesDuration", lasting.seconds // 60) == lasting.seconds // 60


def test_a_measure_is_of_the_past_in_the_unit_of_its_code_and_issued_once_it_was_made() -> None:
    made = drawn(WEIGHT)
    assert all(one["effectiveDateTime"] < "2025" for one in made if "effectiveDateTime" in one)
    units = [one["valueQuantity"] for one in made if "unit" in one.get("valueQuantity", ())]
    assert units and all(unit["unit"] == unit["code"] for unit in units)
    issued = [
        (one["effectiveDateTime"], one["issued"]) for one in made if {"effectiveDateTime", "issued"} <= one.keys()
    ]
    assert issued and all(compare_temporal(*pair) in (-1, 0) for pair in issued)


def test_a_telephone_number_is_a_number_and_a_patient_dies_after_birth() -> None:
    patients = drawn(PATIENT)
    told = [point for one in patients for point in one.get("telecom", ()) if "value" in point]
    assert told
    for point in told:
        expected = {"email": "@exemple.example", "url": "https://exemple.example/"}.get(point["system"], "")
        assert expected in point["value"]
        assert point["system"] not in ("phone", "sms", "fax", "pager") or point["value"].startswith("+3319900")
    for one in patients:
        if {"birthDate", "deceasedDateTime"} <= one.keys():
            assert compare_temporal(one["birthDate"], one["deceasedDateTime"]) in (-1, 0)
