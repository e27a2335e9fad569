"""The short form of ElementDefinitions in a generated pack, and the way back. Nothing is lost:

- ``id`` is absent where it equals ``path``; ``base`` where it says the element's own path, min and max;
- a constraint that many elements repeat (``ele-1``) is a string: its key in the pack's table of shared constraints.
"""

from collections.abc import Mapping
from typing import Any

Constraints = Mapping[str, Mapping[str, Any]]


def squeeze(element: dict[str, Any], shared: Constraints) -> dict[str, Any]:
    """Return the short form of ``element``; ``shared`` is key -> the constraint that is repeated."""
    kept = dict(element)
    if kept.get("id") == kept["path"]:
        del kept["id"]
    if kept.get("base") == _own_base(kept):
        del kept["base"]
    if "constraint" in kept:
        kept["constraint"] = [c["key"] if shared.get(c["key"]) == c else c for c in kept["constraint"]]
    return kept


def restore(resource: dict[str, Any], shared: Constraints) -> dict[str, Any]:
    """Put back, in place, what ``squeeze`` took from the snapshot of ``resource``; return it."""
    snapshot = resource.get("snapshot")
    if snapshot:
        snapshot["element"] = [_whole(element, shared) for element in snapshot["element"]]
    return resource


def _whole(element: dict[str, Any], shared: Constraints) -> dict[str, Any]:
    whole = {"id": element["path"], **element}
    whole.setdefault("base", _own_base(element))
    if "constraint" in element:
        whole["constraint"] = [shared[c] if isinstance(c, str) else c for c in element["constraint"]]
    return whole


def _own_base(element: Mapping[str, Any]) -> dict[str, Any]:
    return {"path": element["path"], "min": element.get("min"), "max": element.get("max")}
