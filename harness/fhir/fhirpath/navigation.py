"""From elements to their children: JSON keys, choices, primitive extensions and types.

Source: FHIR R4 https://hl7.org/fhir/R4/fhirpath.html (choices are read by their stem, a primitive element has the
members ``id`` and ``extension``) and https://hl7.org/fhir/R4/json.html (``_name`` beside ``name``).
"""

from collections.abc import Callable
from itertools import zip_longest
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath.environment import Environment
from harness.fhir.fhirpath.types import CHOICES, is_kind
from harness.fhir.fhirpath.values import Element

Items = list[Any]
_DEPTH = 200
_CHOICE_KEYS = {
    name: {hidden + key: kind for key, kind in keys.items() for hidden in ("", "_")} for name, keys in CHOICES.items()
}


def member(name: str) -> Callable[[Items], Items]:
    """The step to the children of this name; ``value`` of a primitive element is its value, as its definition says."""
    hidden, inner = f"_{name}", name == "value"
    choices = _CHOICE_KEYS.get(name)

    def step(items: Items) -> Items:
        found: Items = []
        for item in items:
            if type(item) is not Element:
                continue
            holder = item.value if type(item.value) is dict else item.extra
            if inner and holder is not item.value and item.value is not None:
                found.append(item.value)
                continue
            if holder is None:
                continue
            value, extra = holder.get(name), holder.get(hidden)
            if value is not None or extra is not None:
                _add(found, value, extra, None, item, name)
            elif choices is not None:
                for key in holder:
                    if key in choices:
                        bare = key.lstrip("_")
                        _add(found, holder.get(bare), holder.get(f"_{bare}"), choices[key], item, name)
                        break
        return found

    return step


def _add(  # noqa: PLR0917  (the innermost loop: keywords cost)
    found: Items, value: Any, extra: Any, kind: str | None, parent: Element, name: str
) -> None:
    if type(value) is list or type(extra) is list:
        values = value if type(value) is list else []
        extras = extra if type(extra) is list else []
        for each, beside in zip_longest(values, extras):
            if each is not None or beside is not None:
                found.append(Element(each, beside if type(beside) is dict else None, kind, parent, name))
    else:
        found.append(Element(value, extra if type(extra) is dict else None, kind, parent, name))


def present(name: str) -> Callable[[Items], bool]:
    """The question whether a step to the children of this name finds any, without making them."""
    hidden, inner = f"_{name}", name == "value"
    choices = _CHOICE_KEYS.get(name)

    def found(items: Items) -> bool:
        for item in items:
            if type(item) is not Element:
                continue
            holder = item.value if type(item.value) is dict else item.extra
            if inner and holder is not item.value and item.value is not None:
                return True
            if holder is None:
                continue
            value = holder.get(name)
            if value is not None and value not in ([], [None]):
                return True
            if hidden in holder:
                return True
            if choices is not None and not choices.keys().isdisjoint(holder):
                return True
        return False

    return found


def head(name: str) -> Callable[[Items, Environment], Items]:
    """The first name of a path: a child, or, where it begins with a capital, the focus if that is its type."""
    step = member(name)
    if not name[:1].isupper():
        return lambda items, _: step(items)

    def start(items: Items, environment: Environment) -> Items:
        kept: Items = []
        for item in items:
            kind = type_of(item, environment) if type(item) is Element else None
            is_resource = type(item) is Element and type(item.value) is dict and "resourceType" in item.value
            if type(item) is Element and (kind is None or is_kind(kind, name, is_resource)):
                kept.append(item)
        return kept or step(items)

    return start


def type_of(item: Element, environment: Environment) -> str | None:
    """The FHIR type of an element, for a backbone element its path; None where nothing says it."""
    if item.kind is not None:
        return item.kind
    value = item.value
    if type(value) is dict and isinstance(value.get("resourceType"), str):
        return str(value["resourceType"])
    if item.parent is None or item.name is None:
        return None
    if item.name in ("extension", "modifierExtension"):
        return "Extension"
    above = type_of(item.parent, environment) if environment.child_type is not None else None
    if above is None or environment.child_type is None:
        return None
    kind = environment.child_type(above, item.name)
    item.kind = kind
    return kind


def children(items: Items) -> Items:
    """All children of all items, choices by their stem."""
    found: Items = []
    for item in items:
        if type(item) is not Element:
            continue
        holder = item.value if type(item.value) is dict else item.extra
        if holder is None:
            continue
        for key, value in holder.items():
            if key[:1] == "_":
                if key[1:] not in holder:
                    _add(found, None, value, None, item, key[1:])
            elif key != "resourceType" and value is not None:
                stem, kind = _STEMS.get(key, (key, None))
                _add(found, value, holder.get(f"_{key}"), kind, item, stem)
    return found


def descendants(items: Items) -> Items:
    """The children, their children and so on, level by level. Raises FHIRPathError where that is too deep."""
    found: Items = []
    level = children(items)
    for _ in range(_DEPTH):
        if not level:
            return found
        found += level
        level = children(level)
    raise FHIRPathError(
        f"descendants() stopped: the resource is nested more than {_DEPTH} levels deep",
        f"descendants() s'est arrêté : la ressource est imbriquée sur plus de {_DEPTH} niveaux",
    )


_STEMS = {
    key: (stem, kind)
    for stem in ("defaultValue", "fixed", "pattern", "minValue", "maxValue", "value", "onset", "abatement", "effective")
    for key, kind in CHOICES[stem].items()
}
"""The keys that are choices wherever they stand, with stem and type."""
