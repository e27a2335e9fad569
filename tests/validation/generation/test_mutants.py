"""Mutants: each is judged again here by a validator of its own, and must be wrong in the one way it says."""

import json
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.fhir.definitions import Definitions
from harness.validation import Validator
from harness.validation.generation.mutants import Mutant, mutants

ROOT = Path(__file__).parents[3]
MESURES = "https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/"
FRCORE = "https://hl7.fr/ig/fhir/core/StructureDefinition/"
PDSM = "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/"
GAP = "https://interop.esante.gouv.fr/ig/fhir/gap/StructureDefinition/"
CASES = {
    "weight": ("observation/bodyweight.json", MESURES + "mesures-fr-observation-body-weight"),
    "patient": ("patient/minimal.json", FRCORE + "fr-core-patient"),
    "appointment": ("appointment/booked.json", GAP + "gap-fr-appointment"),
    "document": ("documentreference/comprehensive.json", PDSM + "pdsm-comprehensive-document-reference"),
}
NARROW = "https://exemple.example/StructureDefinition/narrow"
DEFINITIONS = Definitions.embedded()


def fixture(name: str) -> dict:
    return json.loads((ROOT / "fixtures" / name).read_text(encoding="utf-8"))


def element(path: str, name: str | None = None, **facets: object) -> dict:
    ident = path if name is None else f"{path}:{name}"
    return {"id": ident, "path": path, **({"sliceName": name} if name else {}), **facets}


def narrow() -> Definitions:
    """A profile with the constraints that the French ones do not use."""
    definitions = DEFINITIONS.copy()
    told = [{"type": "value", "path": "system"}]
    slicing = {"rules": "closed", "ordered": True, "discriminator": told}
    elements = [
        element("Basic"),
        element("Basic.identifier", slicing=slicing, min=2),
        element("Basic.identifier", "a", min=1, max="1"),
        {"id": "Basic.identifier:a.system", "path": "Basic.identifier.system", "min": 1, "fixedUri": "urn:a"},
        {"id": "Basic.identifier:a.value", "path": "Basic.identifier.value", "min": 1, "maxLength": 4},
        element("Basic.identifier", "b", min=1, max="2"),
        {"id": "Basic.identifier:b.system", "path": "Basic.identifier.system", "min": 1, "fixedUri": "urn:b"},
        {
            "id": "Basic.code",
            "path": "Basic.code",
            "patternCodeableConcept": {"text": "exactly"},
            "constraint": [{"key": "own-1", "severity": "error", "human": "has a text", "expression": "text.exists()"}],
        },
        element("Basic.author", max="0"),
        element("Basic.created", minValueDate="2000-01-01", maxValueDate="2030-01-01"),
    ]
    definitions.add(
        {
            "resourceType": "StructureDefinition",
            "url": NARROW,
            "name": "Narrow",
            "status": "draft",
            "kind": "resource",
            "abstract": False,
            "type": "Basic",
            "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Basic",
            "derivation": "constraint",
            "differential": {"element": elements},
        }
    )
    return definitions


BASIC = {
    "resourceType": "Basic",
    "identifier": [{"system": "urn:a", "value": "1"}, {"system": "urn:b", "value": "2"}],
    "code": {"text": "exactly"},
    "created": "2024-05-01",
}


@pytest.fixture(scope="module")
def made() -> dict[str, tuple[Mutant, ...]]:
    validator = Validator(DEFINITIONS)
    french = {
        name: mutants(fixture(path), profile, DEFINITIONS, validator=validator)
        for name, (path, profile) in CASES.items()
    }
    return {**french, "narrow": mutants(BASIC, NARROW, narrow())}


def test_each_breaks_what_it_says_and_nothing_else(made: dict[str, tuple[Mutant, ...]]) -> None:
    validators = {"narrow": Validator(narrow())}
    for name, some in made.items():
        validator = validators.get(name) or Validator(DEFINITIONS)
        assert len({mutant.name for mutant in some}) == len(some) > 30
        for mutant in some:
            errors = validator.validate(mutant.resource, [mutant.profile]).errors
            wanted = [e for e in errors if (e.rule, e.expression) == (mutant.rule, mutant.expression)]
            assert wanted, mutant.name
            assert not mutant.constraint or any(e.constraint == mutant.constraint for e in wanted), mutant.name
            others = {f"{e.rule}{':' + e.constraint if e.constraint else ''}@" for e in errors if e.rule != mutant.rule}
            documented = {follower.partition("@")[0] + "@" for follower in mutant.follows}
            assert others <= documented, mutant.name


def test_most_break_one_constraint_alone(made: dict[str, tuple[Mutant, ...]]) -> None:
    everything = [mutant for some in made.values() for mutant in some]
    alone = [mutant for mutant in everything if not mutant.follows]
    assert len(alone) > 0.75 * len(everything)


KINDS = {
    "binding-maximum", "binding-no-code", "binding-required", "code-unknown", "contained-unreferenced", "display-wrong",
    "coding-system-relative", "duplicate-id", "extension-context", "extension-modifier", "fixed-value",
    "identifier-not-uri", "identifier-system-relative", "invariant", "json-empty-array", "json-kind", "max-cardinality",
    "max-length", "max-value", "min-cardinality", "min-value", "pattern", "primitive-format", "reference-aggregation",
    "reference-contained", "reference-target-type", "reference-type-mismatch", "reference-whitespace", "slice-max",
    "slice-min", "slice-order", "slice-unmatched", "type-not-allowed", "unknown-element", "xhtml", "attachment-size",
    "extension-unknown", "extension-url", "extension-url-version",
}  # fmt: skip


def test_every_kind_of_constraint_is_broken(made: dict[str, tuple[Mutant, ...]]) -> None:
    found = {mutant.rule for some in made.values() for mutant in some}
    assert KINDS - found == set()


@pytest.mark.parametrize(
    ("case", "name"),
    [
        ("weight", "min-cardinality@Observation.status"),
        ("weight", "slice-max@Observation.category:VSCat"),
        ("weight", "invariant:obs-7@Observation"),
        ("weight", "invariant:vs-2@Observation"),
        ("weight", "invariant:vs-3@Observation.component"),
        ("weight", "type-not-allowed@Observation.value[x]"),
        ("appointment", "invariant:app-1@Appointment.participant"),
        ("document", "reference-aggregation@DocumentReference.context.sourcePatientInfo"),
        ("narrow", "max-cardinality@Basic.author"),
        ("narrow", "slice-unmatched@Basic.identifier"),
        ("narrow", "slice-order@Basic.identifier"),
        ("narrow", "max-length@Basic.identifier:a.value"),
        ("narrow", "min-value@Basic.created"),
        ("narrow", "invariant:own-1@Basic.code"),
    ],
)
def test_names_are_stable(made: dict[str, tuple[Mutant, ...]], case: str, name: str) -> None:
    found = {mutant.name: mutant for mutant in made[case]}
    assert name in found
    description = found[name].description
    assert description["en"] and description["fr"] and description["en"] != description["fr"]


def test_the_same_seed_gives_the_same_mutants(made: dict[str, tuple[Mutant, ...]]) -> None:
    path, profile = CASES["weight"]
    assert mutants(fixture(path), profile, Definitions.embedded()) == made["weight"]
    other = mutants(fixture(path), profile, DEFINITIONS, seed=7)
    assert {m.name for m in other} & {m.name for m in made["weight"]} > set()
    assert [m.resource for m in other] != [m.resource for m in made["weight"]]


def test_what_is_bad_already_gives_no_mutants() -> None:
    _, profile = CASES["weight"]
    bad = fixture("observation/bad/bodyweight-without-category.json")
    with pytest.raises(UsageError, match=r"is not: Observation"):
        mutants(bad, profile, DEFINITIONS)
