"""Changes to a resource as a whole: extensions out of place, ids used twice, contained resources that nobody needs."""

from __future__ import annotations

from collections.abc import Iterator

from harness.validation.generation.breach import Breach, Proposal
from harness.validation.generation.builder import Builder
from harness.validation.generation.choices import Seeded
from harness.validation.generation.element import Element
from harness.validation.generation.walk import Spot

_EXTENSIONS = (
    "http://hl7.org/fhir/StructureDefinition/humanname-own-prefix",
    "http://hl7.org/fhir/StructureDefinition/iso21090-ADXP-streetName",
    "http://hl7.org/fhir/StructureDefinition/patient-birthPlace",
    "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
)
"""Extensions of FHIR R4 that belong on a data type, on Patient, anywhere."""


def of_resource(spot: Spot, seed: str) -> Iterator[Breach]:
    """Yield what may be broken in the resource as a whole."""
    yield from _extensions(spot, seed)
    unused = {"resourceType": "Basic", "id": "unused", "code": {"text": "x"}}
    contained = [*spot.value.get("contained", ()), unused]
    yield Breach("contained-unreferenced", spot.name, spot.where, [(((*spot.path, "contained"), contained),)])
    held = [key for key, value in spot.value.items() if isinstance(value, dict) and spot.element.slots(key)]
    twice: Proposal = tuple(((key, "id"), "twice") for key in held[:2])
    if len(twice) == 2:
        yield Breach("duplicate-id", spot.name, spot.where, [twice])


def _extensions(spot: Spot, seed: str) -> Iterator[Breach]:
    """A known extension where it does not belong, and one that does not modify among those that do."""
    judge = spot.element.judge
    made = []
    for url in _EXTENSIONS:
        schema = judge.schema(url)
        if schema is not None:
            choices = Seeded(f"{seed}/{url}")
            value = Builder(judge, choices, 0).value(Element(judge, [schema], url))
            made.append({**value, "url": url})
    misplaced: list[Proposal] = [((("extension",), [*spot.value.get("extension", ()), one]),) for one in made]
    yield Breach("extension-context", spot.name, spot.where, misplaced)
    modifying: list[Proposal] = [((("modifierExtension",), [one]),) for one in made]
    yield Breach("extension-modifier", spot.name, spot.where, modifying)
