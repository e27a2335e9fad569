"""What FHIR R4 says of types: the choices that an element's name may end in, and which type is above which.

Source: FHIR R4, StructureDefinitions of the resources and datatypes (elements named ``…[x]``), and the type hierarchy
of https://hl7.org/fhir/R4/datatypes.html.
"""

from decimal import Decimal
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath.values import Element, Quantity
from harness.fhir.primitives import PRIMITIVES, Temporal

_ANY = (
    "CodeableConcept boolean Quantity Range Reference decimal integer date dateTime time string uri "
    "Attachment Coding Period Duration base64Binary canonical code id instant markdown oid positiveInt "
    "unsignedInt url uuid Address Age Annotation ContactPoint Count Distance HumanName Identifier Money "
    "Ratio SampledData Signature Timing ContactDetail Contributor DataRequirement Expression "
    "ParameterDefinition RelatedArtifact TriggerDefinition UsageContext Dosage Meta "
)
_CHOICES = {
    **dict.fromkeys(("value", "defaultValue", "fixed", "pattern"), _ANY),
    "abatement": "dateTime Age Period Range string",
    "additive": "CodeableConcept Reference",
    "age": "Age Range string CodeableConcept",
    "allowed": "unsignedInt string Money boolean CodeableConcept",
    "amount": "Quantity Range string Ratio",
    "answer": "boolean decimal integer date dateTime time string Coding Quantity Reference",
    "asNeeded": "boolean CodeableConcept",
    "author": "Reference string",
    "born": "Period date string",
    "bounds": "Duration Range Period",
    "characteristic": "CodeableConcept Quantity",
    "chargeItem": "Reference CodeableConcept",
    "code": "Reference CodeableConcept",
    "collected": "dateTime Period",
    "content": "string Attachment Reference",
    "created": "dateTime Period",
    "date": "Period dateTime",
    "deceased": "boolean dateTime Age Range date string",
    "definingSubstance": "Reference CodeableConcept",
    "definition": "CodeableConcept canonical Expression DataRequirement Reference TriggerDefinition uri",
    "detail": "Quantity Range CodeableConcept string boolean integer Ratio",
    "diagnosis": "CodeableConcept Reference",
    "dose": "Range Quantity",
    "doseNumber": "positiveInt string",
    "due": "date Duration",
    "effective": "dateTime Period Timing instant",
    "entity": "CodeableConcept Reference",
    "event": "Coding uri",
    "example": "boolean canonical",
    "fastingStatus": "CodeableConcept Duration",
    "identified": "dateTime Period",
    "indication": "CodeableConcept Reference",
    "item": "CodeableConcept Reference",
    "legallyBinding": "Attachment Reference",
    "location": "CodeableConcept Address Reference",
    "manufacturer": "string Reference",
    "maxValue": "date dateTime instant time decimal integer positiveInt unsignedInt Quantity",
    "medication": "CodeableConcept Reference",
    "minValue": "date dateTime instant time decimal integer positiveInt unsignedInt Quantity",
    "minimumVolume": "Quantity string",
    "module": "uri canonical CodeableConcept",
    "multipleBirth": "boolean integer",
    "name": "url Reference",
    "occurred": "Period dateTime",
    "occurrence": "dateTime Period Timing string",
    "offset": "Duration Range",
    "onset": "dateTime Age Period Range string",
    "participantEffective": "dateTime Period Duration Timing",
    "performed": "dateTime Period string Age Range",
    "probability": "decimal Range",
    "procedure": "CodeableConcept Reference",
    "product": "Reference CodeableConcept",
    "quantity": "Quantity Ratio Range",
    "rate": "Quantity Ratio Range",
    "reported": "boolean Reference",
    "scheduled": "Timing Period string",
    "seriesDoses": "positiveInt string",
    "serviced": "date Period",
    "source": "uri canonical Attachment Reference",
    "start": "date CodeableConcept",
    "statusReason": "CodeableConcept Reference",
    "studyEffective": "dateTime Period Duration Timing",
    "subject": "CodeableConcept Reference",
    "substance": "CodeableConcept Reference",
    "target": "uri canonical Identifier Reference",
    "time": "dateTime Period",
    "timing": "Timing dateTime Age Period Range Duration Reference date",
    "topic": "CodeableConcept Reference",
    "used": "unsignedInt string Money",
    "when": "Period Range",
}

CHOICES: dict[str, dict[str, str]] = {
    name: {name + kind[0].upper() + kind[1:]: kind for kind in kinds.split()} for name, kinds in _CHOICES.items()
}
"""By the name of an element that is a choice: its JSON keys, each with the type that it says."""

_PARENTS = {
    **dict.fromkeys(("code", "id", "markdown"), "string"),
    **dict.fromkeys(("url", "canonical", "oid", "uuid"), "uri"),
    **dict.fromkeys(("unsignedInt", "positiveInt"), "integer"),
    **dict.fromkeys(("Age", "Count", "Distance", "Duration", "MoneyQuantity", "SimpleQuantity"), "Quantity"),
    **dict.fromkeys(("BackboneElement",), "Element"),
    **dict.fromkeys(("Timing", "Dosage", "ElementDefinition"), "BackboneElement"),
    **dict.fromkeys(("Bundle", "Binary", "Parameters", "DomainResource"), "Resource"),
}
_SYSTEM_OF = {
    "boolean": "Boolean",
    "integer": "Integer",
    "decimal": "Decimal",
    "date": "Date",
    "dateTime": "DateTime",
    "instant": "DateTime",
    "time": "Time",
    "string": "String",
    "uri": "String",
    "base64Binary": "String",
    "Quantity": "Quantity",
}
_OBJECTS = {kind for kind in CHOICES["value"].values() if kind[0].isupper()} | {
    "BackboneElement",
    "Extension",
    "Narrative",
}
JSON_TYPES = {bool: "boolean", int: "integer", float: "decimal", Decimal: "decimal", str: "string"}


def system_type(value: Any) -> str:
    """The System type of a computed value."""
    if type(value) is bool:
        return "Boolean"
    if type(value) is Temporal:
        return "Time" if value.is_time else "Date" if len(value.parts) <= 3 and "T" not in value.text else "DateTime"
    return {int: "Integer", Decimal: "Decimal", str: "String", Quantity: "Quantity"}.get(type(value), "Any")


def is_kind(kind: str, wanted: str, is_resource: bool = False) -> bool:
    """Is FHIR type ``kind`` (a path stands for its backbone element) the type ``wanted`` or below it?"""
    step: str | None = "BackboneElement" if "." in kind else kind
    while step is not None:
        if step in (wanted, "Resource"):  # resources build on Resource alone, all else on Element
            return step == wanted
        step, is_resource = _PARENTS.get(step) or ("DomainResource" if is_resource else None), False
    return wanted == "Element"


def matches(item: Any, kind: str | None, wanted: str) -> bool:
    """Does an item of FHIR type ``kind`` (None: not known) pass for the type that an expression names?

    A type without namespace is looked for in FHIR and then in System. A primitive element also passes for the System
    type of its value, as the published invariants expect (``answer is Boolean``). Where the type of a text is not
    known, it passes for every type whose format it has; where that of an object is not known, FHIRPathError is raised.
    """
    namespace, _, name = wanted.rpartition(".")
    if type(item) is not Element:
        return namespace != "FHIR" and system_type(item) == name
    value = item.value
    if type(value) is dict:
        if kind is None and name in _OBJECTS and namespace != "System":
            raise FHIRPathError(
                f"FHIRPath: is this element of type {name}? The definitions that say so were not given",
                f"FHIRPath : cet élément est-il du type {name} ? Les définitions qui le disent ne sont pas fournies",
            )
        return namespace != "System" and is_kind(kind or "Element", name, "resourceType" in value)
    if namespace != "System" and name in PRIMITIVES:
        if kind is not None:
            return is_kind(kind, name)
        return PRIMITIVES[name].check(value) is None
    if namespace == "FHIR" or name == "Element":
        return name == "Element" and namespace != "System"
    step: str | None = kind or JSON_TYPES.get(type(value))
    while step is not None:
        if _SYSTEM_OF.get(step) == name:
            return True
        step = _PARENTS.get(step)
    return False
