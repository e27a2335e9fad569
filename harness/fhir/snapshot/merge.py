"""What a differential's ElementDefinition changes in the element that it constrains."""

from collections.abc import Mapping
from typing import Any

from harness.fhir.snapshot.tree import Element

_APPENDED = {"constraint": "key", "condition": None, "alias": None, "mapping": None, "code": None, "example": None}
_OWN = frozenset({"id", "path", "base"})
# What an element takes over from the root of the profile that its only type names.
_FROM_PROFILE = ("short", "definition", "comment", "requirements", "isModifier", "isModifierReason")
EXTENSION_SLICING = {"discriminator": [{"type": "value", "path": "url"}], "ordered": False, "rules": "open"}
TYPE_SLICING = {"discriminator": [{"type": "type", "path": "$this"}], "ordered": False, "rules": "open"}
# Where a differential names types and says nothing of the choice itself, these are left: HL7's generator, and so the
# published snapshots, close the slicing then.
CLOSED_TYPES = {**TYPE_SLICING, "rules": "closed"}


def constrain(base: Element, derived: Mapping[str, Any]) -> None:
    """Change ``base``, in place, by what ``derived`` says."""
    for key, value in derived.items():
        if key in _OWN or value == {}:
            continue
        if key in _APPENDED:
            base[key] = _joined(base.get(key, []), value, _APPENDED[key])
        elif key == "binding":
            base[key] = {**base.get(key, {}), **value}
        elif key == "slicing":
            base[key] = _slicing(base.get(key, {}), value, str(derived.get("path", "")))
        elif key == "extension":
            urls = {e.get("url") for e in value}
            base[key] = [*(e for e in base.get(key, []) if e.get("url") not in urls), *value]
        else:
            base[key] = value
    if "type" in derived:
        base.pop("contentReference", None)


def _joined(old: list[Any], new: list[Any], key: str | None) -> list[Any]:
    """The items of ``old``, replaced where ``new`` says the same ``key`` again, and then those that are new."""
    if key is None:
        return [*old, *(item for item in new if item not in old)]
    again = {item.get(key): item for item in new}
    kept = [again.pop(item.get(key), item) for item in old]
    return [*kept, *again.values()]


def _slicing(old: Mapping[str, Any], new: Mapping[str, Any], path: str) -> dict[str, Any]:
    """Slicing that is closed stays closed; a choice is sliced by type where nothing else is said."""
    merged = {**(TYPE_SLICING if path.endswith("[x]") else {}), **old, **new}
    if old.get("rules") == "closed":
        merged["rules"] = "closed"
    return merged


def adopt_profile(base: Element, root: Mapping[str, Any]) -> None:
    """Take over, in place, what the ``root`` element of the profile of the element's type says.

    Its constraints are not repeated here (as newer publishers do): the value is judged by that profile anyway. An
    extension occurs in one element no more often than the root of its definition says.
    """
    for key in _FROM_PROFILE:
        if key in root:
            base[key] = root[key]
    if root.get("path") == "Extension" and root.get("max", "*") != "*" and base.get("max", "*") == "*":
        base["max"] = root["max"]
