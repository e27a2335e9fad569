"""From a method and a path to a FHIR interaction (https://hl7.org/fhir/R4/http.html#summary)."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from harness.sandbox.problems import Problem

_ID = re.compile(r"[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True, slots=True)
class Route:
    """One interaction; ``name`` is a code of restful-interaction, or one of ``conditional-…`` for those by query."""

    name: str
    type: str = ""
    id: str = ""
    version: str = ""

    @property
    def writes(self) -> bool:
        """True when the interaction may change the store."""
        return self.name in _WRITES


_WRITES = frozenset(
    {
        "create",
        "update",
        "patch",
        "delete",
        "conditional-update",
        "conditional-patch",
        "conditional-delete",
        "transaction",
    }
)

_SYSTEM = {"POST": "transaction"}
_TYPE = {
    "GET": "search-type",
    "POST": "create",
    "PUT": "conditional-update",
    "PATCH": "conditional-patch",
    "DELETE": "conditional-delete",
}
_INSTANCE = {"GET": "read", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}


def _choose(table: Mapping[str, str], method: str, path: str) -> str:
    if method not in table:
        allowed = [*table, "HEAD"] if "GET" in table else list(table)
        raise Problem(
            405,
            "not-supported",
            f"{method} is not offered on /{path}; it takes {', '.join(allowed)}.",
            headers={"Allow": ", ".join(allowed)},
        )
    return table[method]


def match(method: str, path: str, types: Collection[str]) -> Route:
    """Find the interaction. Raises :class:`Problem`: 404 for an unknown type or place, 405 with ``Allow``."""
    if "\0" in path:
        raise Problem(404, "not-found", "No path holds a NUL character.")
    verb = "GET" if method == "HEAD" else method
    parts = [part for part in path.strip("/").split("/") if part]
    match parts:
        case []:
            return Route(_choose(_SYSTEM, verb, path))
        case ["metadata"]:
            return Route(_choose({"GET": "capabilities"}, verb, path))
        case ["_history"]:
            return Route(_choose({"GET": "history-system"}, verb, path))
    kind, *rest = parts
    if kind.startswith(("$", "_")):
        raise Problem(404, "not-supported", f"This server does not offer /{kind}; see /metadata for what it does.")
    if kind not in types:
        raise Problem(404, "not-supported", f"'{kind}' is not a resource type that this server holds; see /metadata.")
    match rest:
        case []:
            return Route(_choose(_TYPE, verb, path), kind)
        case ["_search"]:
            return Route(_choose({"POST": "search-type"}, verb, path), kind)
        case ["_history"]:
            return Route(_choose({"GET": "history-type"}, verb, path), kind)
        case [name] if not name.startswith(("$", "_")):
            return Route(_choose(_INSTANCE, verb, path), kind, check_id(name) if verb == "PUT" else name)
        case [name, "_history"]:
            return Route(_choose({"GET": "history-instance"}, verb, path), kind, name)
        case [name, "_history", version]:
            return Route(_choose({"GET": "vread"}, verb, path), kind, name, version)
    raise Problem(404, "not-supported", f"This server does not offer /{path}; see /metadata for what it does.")


def check_id(name: str) -> str:
    """``name``, which is to be the id of a resource. Raises :class:`Problem` (400) when it cannot be one."""
    if not _ID.fullmatch(name):
        raise Problem(400, "value", f"'{name}' cannot be an id: 1 to 64 letters, digits, '-' or '.'.")
    return name
