"""Does a value conform to a profile? Judged aside, without reporting, and once for each value and profile.

Resources refer to one another in chains and circles of any length, and a profile may say of what it refers to which
profile that has. So a trial does not follow references: it notes what it would have to know of their targets, and the
verdicts of all that hang together are then brought into line. Who is not shown to break a profile conforms to it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.validation.knowledge import Knowledge
from harness.validation.location import Location
from harness.validation.scope import Obligation, Scope

_ANY = frozenset({"Resource", "DomainResource"})
_DEPTH = 12
"""How deep trials may nest, through slices that are told apart by a profile of what they refer to."""

Key = tuple[int, str]


def conforms(judge: Knowledge, value: Any, canonical: str, where: Location, scope: Scope) -> bool | None:
    """Whether ``value`` has no error by the profile ``canonical``; None where that cannot be told."""
    session = scope.session
    key = (id(value), canonical)
    if key in session.verdicts:
        return session.verdicts[key]
    if key in session.active:
        return True  # it is being judged already: a circle holds together
    if session.depth >= _DEPTH:
        return None
    verdicts: dict[Key, bool | None] = {}
    wanted: dict[Key, list[list[Key]]] = {}
    waiting = [(value, canonical, where, scope)]
    while waiting:
        item, profile, place, around = waiting.pop()
        current = (id(item), profile)
        if current in verdicts:
            continue
        if current in session.verdicts:
            verdicts[current] = session.verdicts[current]
            continue
        verdicts[current], obligations = _alone(judge, item, profile, place, around)
        wanted[current] = [[(id(o.target), p) for p in o.profiles] for o in obligations]
        waiting.extend((o.target, p, o.where, o.scope) for o in obligations for p in o.profiles)
    _settle(verdicts, wanted)
    session.verdicts.update(verdicts)
    return verdicts[key]


def _alone(
    judge: Knowledge, value: Any, canonical: str, where: Location, scope: Scope
) -> tuple[bool | None, list[Obligation]]:
    """The verdict on ``value`` apart from what it refers to, and what it wants of that."""
    schema = judge.schema(canonical)
    if schema is None:
        return None, []
    if isinstance(value, Mapping) and "resourceType" in value and value["resourceType"] != schema.type:
        return schema.type in _ANY, []
    inner = scope.trial(value, where)
    judge.apply(value, canonical, where, inner)
    failed = any(issue.severity in ("error", "fatal") for issue in inner.session.issues)
    return not failed, [] if failed else inner.session.obligations


def _settle(verdicts: dict[Key, bool | None], wanted: dict[Key, list[list[Key]]]) -> None:
    """A value does not conform when all profiles that the target of one of its references may have are broken."""
    dependents: dict[Key, list[Key]] = {}
    for key, groups in wanted.items():
        for group in groups:
            for target in group:
                dependents.setdefault(target, []).append(key)
    broken = [key for key, verdict in verdicts.items() if verdict is False]
    while broken:
        for key in dependents.get(broken.pop(), ()):
            if verdicts[key] is True and any(all(verdicts[t] is False for t in group) for group in wanted[key]):
                verdicts[key] = False
                broken.append(key)
