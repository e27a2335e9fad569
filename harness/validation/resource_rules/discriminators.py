"""Do the discriminators of a differential lead somewhere (FHIR R4 profiling §5.1.0.15)?"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.errors import DefinitionError
from harness.reason import Reason
from harness.validation.assertions.matchers import Step, parse_path
from harness.validation.compile.slicing import navigate
from harness.validation.compile.tree import Node
from harness.validation.location import Location
from harness.validation.scope import Scope

_KINDS = frozenset({"value", "exists", "pattern", "type", "profile", "position"})


def check(listed: list[Any], where: Location, scope: Scope) -> None:
    """Report discriminators of ``listed``, the elements of a differential, that lead nowhere."""
    place = (where, "differential", -1)
    slicings: dict[tuple[str, str], tuple[tuple[str, str], ...]] = {}
    for index, element in enumerate(listed):
        if isinstance(element, Mapping) and isinstance(element.get("slicing"), Mapping):
            _check_slicing(element, (place, "element", index), where, slicings, scope)


def _discriminators(element: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    listed = element["slicing"].get("discriminator")
    return tuple(
        (str(entry.get("type")), str(entry.get("path")))
        for entry in (listed if isinstance(listed, list) else ())
        if isinstance(entry, Mapping)
    )


def _check_slicing(
    element: Mapping[str, Any],
    where: Location,
    root: Location,
    slicings: dict[tuple[str, str], tuple[tuple[str, str], ...]],
    scope: Scope,
) -> None:
    path, name = str(element.get("path")), element.get("sliceName")
    own = _discriminators(element)
    key = str(element.get("id") or path)
    general = slicings.get((path, key.rpartition(":")[0]))
    if name and general is not None and general != own and path.endswith("extension"):
        scope.report(
            "definition-invalid",
            root,
            detail=Reason(
                f"the slice {key} slices by {own}, but {path} is already sliced by {general}",
                f"la tranche {key} découpe par {own}, alors que {path} l'est déjà par {general}",
            ),
        )
    slicings[path, key] = own
    node = _element(path, scope)
    for index, (kind, text) in enumerate(own):
        place = ((where, "slicing", -1), "discriminator", index)
        if kind in _KINDS and node is not None and not _leads_somewhere(node, text, scope):
            scope.report(
                "definition-invalid",
                place,
                code="invalid",
                severity=None if element.get("type") and _allowed(text) else "warning",
                detail=Reason(
                    f"the discriminator path '{text}' is no element of {path}",
                    f"le chemin de discriminant « {text} » n'est pas un élément de {path}",
                ),
            )


def _element(path: str, scope: Scope) -> Node | None:
    """The element at ``path`` in the base type, through data types."""
    compiler = scope.session.judge.compiler
    parts = path.split(".")
    root = compiler.type_tree(parts[0]) if parts[0] in compiler.resources else None
    if root is None:
        return None
    found = navigate(root, tuple(("child", part.removesuffix("[x]")) for part in parts[1:]), compiler)
    return found[-1] if found else None


def _allowed(path: str) -> bool:
    """Whether the path is one that R4 allows at all; the reference validator lets others pass."""
    try:
        parse_path(path)
    except DefinitionError:
        return False
    return True


def _leads_somewhere(node: Node, path: str, scope: Scope) -> bool:
    try:
        steps = parse_path(path)
    except DefinitionError:
        return False
    followed: list[Step] = []
    for step in steps:
        if step[0] == "resolve" and not followed and "Reference" not in node.type_codes:
            return False
        if step[0] != "child":
            return True  # extensions and references lead to definitions that need not be here
        followed.append(step)
    return bool(navigate(node, tuple(followed), scope.session.judge.compiler))
