"""The functions that FHIR adds to FHIRPath. Source: FHIR R4 https://hl7.org/fhir/R4/fhirpath.html#functions."""

from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath.environment import Environment
from harness.fhir.fhirpath.functions import Function
from harness.fhir.fhirpath.narrative import narrative_faults
from harness.fhir.fhirpath.navigation import member, type_of
from harness.fhir.fhirpath.operators import one, text_of
from harness.fhir.fhirpath.types import JSON_TYPES, system_type
from harness.fhir.fhirpath.values import Element, plain

Items = list[Any]
_extensions = member("extension")


def _extension(items: Items, _: Environment, url: Items) -> Items:
    wanted = text_of(url, "extension()")
    return [each for each in _extensions(items) if type(each.value) is dict and each.value.get("url") == wanted]


def _has_value(items: Items, _: Environment) -> bool:
    return len(items) == 1 and _value(items[0]) is not None


def _value(item: Any) -> Any:
    value = plain(item)
    return None if type(value) in (dict, list) else value


def _get_value(items: Items, _: Environment) -> Items:
    value = _value(items[0]) if len(items) == 1 else None
    return [] if value is None else [value]


def _type(items: Items, environment: Environment) -> Items:
    """What FHIRPath N1 §6.3 gives of each item: the name of its type, and FHIR or System for where that is defined."""
    return [Element(_type_info(item, environment)) for item in items]


def _type_info(item: Any, environment: Environment) -> dict[str, str]:
    if type(item) is not Element:
        return {"namespace": "System", "name": system_type(item)}
    kind = type_of(item, environment) or JSON_TYPES.get(type(item.value))
    if kind is None:
        raise FHIRPathError(
            "FHIRPath type(): the definitions that say the type of this element were not given",
            "FHIRPath type() : les définitions qui disent le type de cet élément ne sont pas fournies",
        )
    return {"namespace": "FHIR", "name": "BackboneElement" if "." in kind else kind}


def _reference(item: Any) -> str | None:
    value = plain(item)
    reference = value.get("reference") if type(value) is dict else value
    return reference if type(reference) is str else None


def _resolve(items: Items, environment: Environment) -> Items:
    found = []
    for item in items:
        reference = _reference(item)
        target = None if reference is None else _target(reference, environment)
        if target is not None:
            found.append(Element(target))
    return found


def _target(reference: str, environment: Environment) -> dict[str, Any] | None:
    if not reference.startswith("#"):
        return environment.resolve(reference) if environment.resolve is not None else None
    container = environment.root_resource or environment.resource
    if container is None or reference == "#":
        return container
    contained = container.get("contained")
    for resource in contained if isinstance(contained, list) else ():
        if isinstance(resource, dict) and resource.get("id") == reference[1:]:
            return resource
    return None


def _member_of(items: Items, environment: Environment, value_set: Items) -> bool | None:
    item, url = one(items, "memberOf()"), text_of(value_set, "memberOf()")
    if item is None or url is None:
        return None
    if environment.member_of is None:
        raise FHIRPathError(
            f"FHIRPath memberOf('{url}'): no terminology was given to answer it",
            f"FHIRPath memberOf('{url}') : aucune terminologie n'est fournie pour y répondre",
        )
    return environment.member_of(plain(item), url)


def _conforms_to(items: Items, environment: Environment, profile: Items) -> bool | None:
    item, url = one(items, "conformsTo()"), text_of(profile, "conformsTo()")
    if item is None or url is None:
        return None
    if environment.conforms_to is None:
        raise FHIRPathError(
            f"FHIRPath conformsTo('{url}'): no validator was given to answer it",
            f"FHIRPath conformsTo('{url}') : aucun validateur n'est fourni pour y répondre",
        )
    value = plain(item)
    return environment.conforms_to(value, url) if type(value) is dict else False


def _html_checks(items: Items, _: Environment) -> bool | None:
    text = text_of(items, "htmlChecks()")
    return None if text is None else not narrative_faults(text)


FHIR_JUDGES: dict[str, Function] = {
    "hasValue": Function(_has_value),
    "memberOf": Function(_member_of, 1, 1),
    "conformsTo": Function(_conforms_to, 1, 1),
    "htmlChecks": Function(_html_checks),
    "hasExtension": Function(lambda items, environment, url: bool(_extension(items, environment, url)), 1, 1),
}
FHIR_FUNCTIONS: dict[str, Function] = {
    "extension": Function(_extension, 1, 1),
    "getValue": Function(_get_value),
    "resolve": Function(_resolve),
    "type": Function(_type),
}
