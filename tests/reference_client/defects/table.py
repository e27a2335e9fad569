"""The words that the tables of defects are written with."""

from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from tests.reference_client.service import Departure, Pairs, Resource, Sent

Change = Callable[[Resource], None]


@dataclass(frozen=True)
class Defect:
    """One departure from ``requirement``."""

    name: str
    requirement: str
    summary: str
    departure: Departure


def habit(name: str, requirement: str, summary: str, *habits: str) -> Defect:
    """A bad habit: what the client does after an answer."""
    return Defect(name, requirement, summary, Departure(habits=frozenset(habits)))


def request(name: str, requirement: str, summary: str, alter: Callable[[Sent], None], *actions: str) -> Defect:
    """A change of the requests; of those of ``actions`` alone, where they are named."""

    def only(sent: Sent) -> None:
        if not actions or sent.action in actions:
            alter(sent)

    return Defect(name, requirement, summary, Departure(only))


def content(name: str, requirement: str, summary: str, type_: str, *changes: Change, **only: Any) -> Defect:
    """A change of each resource of ``type_`` that is sent: as the body, or in it when it is a Bundle.

    ``only`` names what the resource must have, such as ``status="booked"``; ``code`` is its first coding's.
    """

    def alter(sent: Sent) -> None:
        for resource in carried(sent.body):
            if resource.get("resourceType") == type_ and _has(resource, only):
                for change in changes:
                    change(resource)

    return Defect(name, requirement, summary, Departure(alter))


def entries(name: str, requirement: str, summary: str, type_: str, *changes: Change) -> Defect:
    """A change of each entry of a Bundle that carries a resource of ``type_``."""

    def alter(sent: Sent) -> None:
        for entry in sent.body["entry"] if is_bundle(sent.body) else ():
            if entry["resource"]["resourceType"] == type_:
                for change in changes:
                    change(entry)

    return Defect(name, requirement, summary, Departure(alter))


def bundle(name: str, requirement: str, summary: str, *changes: Change) -> Defect:
    """A change of each Bundle that is sent."""

    def alter(sent: Sent) -> None:
        if is_bundle(sent.body):
            for change in changes:
                change(sent.body)

    return Defect(name, requirement, summary, Departure(alter))


def search(name: str, requirement: str, summary: str, type_: str, change: Callable[[Pairs], Pairs]) -> Defect:
    """A change of the parameters of each search of ``type_``."""

    def alter(sent: Sent) -> None:
        if sent.method == "GET" and sent.path == type_:
            sent.params = change(sent.params)

    return Defect(name, requirement, summary, Departure(alter))


def put(path: str, value: Any) -> Change:
    """Set the element at ``path``, such as ``code.coding.0.code``; ``+`` adds to a list."""

    def change(resource: Resource) -> None:
        at, last = _holder(resource, path)
        if last == "+":
            at.append(deepcopy(value))
        else:
            at[_key(at, last)] = deepcopy(value)

    return change


def drop(*paths: str) -> Change:
    """Take the elements at ``paths`` out, where they are."""

    def change(resource: Resource) -> None:
        for path in paths:
            at, last = _holder(resource, path)
            if isinstance(at, list) or last in at:
                del at[_key(at, last)]

    return change


def without(*names: str) -> Callable[[Pairs], Pairs]:
    """Leave these parameters out."""
    return lambda params: [(name, value) for name, value in params if name not in names]


def valued(name: str, value: Callable[[str], str] | str) -> Callable[[Pairs], Pairs]:
    """Give each parameter ``name`` another value."""
    made = value if callable(value) else lambda _: value
    return lambda params: [(key, made(old) if key == name else old) for key, old in params]


def is_bundle(body: Any) -> bool:
    """True for a Bundle that is not a document."""
    return isinstance(body, dict) and body.get("resourceType") == "Bundle"


def carried(body: Any) -> Sequence[Resource]:
    """The resources in ``body``."""
    if is_bundle(body):
        return [entry["resource"] for entry in body["entry"]]
    return [body] if isinstance(body, dict) else []


def _has(resource: Resource, only: Mapping[str, Any]) -> bool:
    for name, wanted in only.items():
        found = resource.get(name)
        if name == "code" and isinstance(found, dict):
            found = found["coding"][0]["code"]
        if found != wanted:
            return False
    return True


def _holder(resource: Resource, path: str) -> tuple[Any, str]:
    *parts, last = path.split(".")
    at: Any = resource
    for part in parts:
        at = at.setdefault(part, {}) if isinstance(at, dict) else at[int(part)]
    return at, last


def _key(at: Any, last: str) -> Any:
    return int(last) if isinstance(at, list) else last
