"""How a differential slices (FHIR R4 profiling §5.1.0.13 to 15)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from harness.reason import Reason
from harness.validation.compile.tree import type_code
from harness.validation.location import Location
from harness.validation.resource_rules.differential import Constrained
from harness.validation.resource_rules.reading import part, parts, text
from harness.validation.scope import Scope

_STRENGTH = {"closed": 2, "openAtEnd": 1, "open": 0}
_EXTENSIONS = ("extension", "modifierExtension")


def check(elements: list[Constrained], snapshot: list[dict[str, Any]], where: Location, scope: Scope) -> None:
    """Report slicings that cannot be, and slices without one."""
    sliced: set[str] = set()
    typed: dict[str, list[Constrained]] = {}
    together = Counter(_plain(item) for item in elements)
    for item in elements:
        plain = _plain(item)
        if isinstance(item.element.get("slicing"), dict):
            sliced.add(plain)
            _check_slicing(item, where, scope)
        if item.slice_name is None or item.base is None:
            continue
        if item.path.endswith("[x]"):
            typed.setdefault(plain, []).append(item)
        elif not item.path.endswith(_EXTENSIONS) and plain not in sliced:
            _check_known(item, snapshot, together[plain] == 1, where, scope)
        _check_closed(item, where, scope)
    for plain, slices in typed.items():
        _check_types(plain, slices, elements, where, scope)


def _plain(item: Constrained) -> str:
    """The id of what ``item`` is, or slices."""
    parent, _, name = item.identity.rpartition(".")
    return f"{parent}.{name.partition(':')[0]}" if parent else name


def _check_slicing(item: Constrained, where: Location, scope: Scope) -> None:
    own = part(item.element, "slicing")
    if "." not in item.path:
        scope.report("slicing-on-root", item.where)
        return
    base = item.base
    if base is None or item.slice_name is not None:
        return
    if base.max == 1 and not item.path.endswith("[x]") and item.element.get("max") != "1":
        scope.report("slicing-single", (item.where, "slicing", -1), found=item.path)
        en, fr = "does not repeat, so it cannot be sliced", "ne se répète pas et ne se découpe donc pas"
        scope.report("definition-invalid", where, detail=Reason(f"{item.path} {en}", f"{item.path} {fr}"))
    known = part(base.element, "slicing")
    if not known:
        return
    theirs, mine = _discriminators(known), _discriminators(own)
    rules, given = text(known, "rules") or "open", text(own, "rules")
    if mine and theirs and mine[: len(theirs)] != theirs:
        detail = Reason(
            f"{item.path} is sliced by {_shown(theirs)} in the base, and by {_shown(mine)} here",
            f"{item.path} est découpé par {_shown(theirs)} dans la base, et par {_shown(mine)} ici",
        )
    elif given is not None and not item.path.endswith("[x]") and _STRENGTH.get(given, 2) < _STRENGTH.get(rules, 0):
        detail = Reason(
            f"the slicing of {item.path} is {rules} in the base, and {given} here",
            f"le découpage de {item.path} est {rules} dans la base, et {given} ici",
        )
    elif known.get("ordered") is True and own.get("ordered") is False:
        detail = Reason(
            f"the slicing of {item.path} is ordered in the base, and not here",
            f"le découpage de {item.path} est ordonné dans la base, et pas ici",
        )
    else:
        return
    scope.report("definition-invalid", where, detail=detail)


def _discriminators(slicing: Mapping[str, Any]) -> list[tuple[str | None, str | None]]:
    return [(text(d, "type"), text(d, "path")) for d, _ in parts(slicing, "discriminator", (None, "", -1))]


def _shown(discriminators: list[tuple[str | None, str | None]]) -> str:
    return ", ".join(f"{kind}:{path}" for kind, path in discriminators)


def _check_known(item: Constrained, snapshot: list[dict[str, Any]], alone: bool, where: Location, scope: Scope) -> None:
    """A slice needs a slicing, in the base or before it."""
    plain = _plain(item)
    places = {str(element.get("id")): index for index, element in enumerate(snapshot)}
    general, index = places.get(plain), places.get(item.identity)
    if general is None or index is None or "slicing" in snapshot[general]:
        return
    if alone:  # a snapshot of it can be made
        place = ((where, "snapshot", -1), "element", index)
        scope.report("slice-without-slicing", place, found=item.identity)
    else:
        detail = Reason(f"{plain} has slices and no slicing", f"{plain} a des tranches, sans découpage (slicing)")
        scope.report("definition-invalid", where, detail=detail)


def _check_closed(item: Constrained, where: Location, scope: Scope) -> None:
    base, name = item.base, item.slice_name
    if base is None or name is None or "/" in name or base.slice_name is not None:
        return
    if part(base.element, "slicing").get("rules") == "closed" and all(s.slice_name != name for s in base.slices):
        detail = Reason(
            f"the slicing of {item.path} is closed: {name} is new",
            f"le découpage de {item.path} est fermé : {name} est nouveau",
        )
        scope.report("definition-invalid", where, detail=detail)


def _check_types(
    plain: str, slices: list[Constrained], elements: list[Constrained], where: Location, scope: Scope
) -> None:
    """Slices of a choice: by type alone, named after it, and none that shuts the others out."""
    stem = plain.rpartition(".")[2].removesuffix("[x]")
    general = next((e for e in elements if e.identity == plain), None)
    own = part(general.element, "slicing") if general else {}
    problems = []
    if own and _discriminators(own) not in ([], [("type", "$this")]):
        shown = _shown(_discriminators(own))
        en = f"{plain} is a choice: it is sliced by type:$this, not {shown}"
        problems.append(Reason(en, f"{plain} est un choix : il se découpe par type:$this, et non {shown}"))
    if own.get("ordered") is True:
        en, fr = "is a choice: its slicing has no order", "est un choix : son découpage n'est pas ordonné"
        problems.append(Reason(f"{plain} {en}", f"{plain} {fr}"))
    for item in slices:
        codes = [type_code(entry) for entry, _ in parts(item.element, "type", item.where)]
        if len(codes) == 1 and codes[0] and item.slice_name != (name := stem + codes[0][0].upper() + codes[0][1:]):
            en = f"{item.identity}: a slice for the type {codes[0]} is called {name}"
            problems.append(Reason(en, f"{item.identity} : une tranche pour le type {codes[0]} s'appelle {name}"))
    if len(slices) > 1 and any(item.element.get("min") == 1 for item in slices):
        en = f"{plain}: one slice must be there, so that the others cannot"
        problems.append(Reason(en, f"{plain} : une tranche est obligatoire, ce qui exclut les autres"))
    for detail in problems[:1]:
        scope.report("definition-invalid", where, detail=detail)
