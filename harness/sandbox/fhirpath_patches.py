"""FHIRPath Patch (https://hl7.org/fhir/R4/fhirpatch.html): a Parameters resource whose operations change a resource.

Where the children of an element repeat, and how a choice is named in JSON, is read from the definitions.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.definitions import Definitions
from harness.fhir.fhirpath import compile_expression
from harness.sandbox.codec import Resource
from harness.sandbox.problems import Problem

_LAST = re.compile(r"(?P<parent>.+)\.(?P<name>[A-Za-z]\w*)(?:\[(?P<index>\d+)\])?")
_INTEGERS = ("index", "source", "destination")

Place = tuple[str | int, ...]


def _refuse(diagnostics: str, status: int = 422) -> Problem:
    return Problem(status, "invalid", diagnostics)


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: ``value`` is the part of that name, as it stands."""

    type: str
    path: str
    name: str
    value: Mapping[str, Any] | None
    numbers: Mapping[str, int]


def apply(resource: Resource, parameters: Mapping[str, Any], definitions: Definitions) -> Resource:
    """``resource`` after the operations of ``parameters``; all of them or, by a :class:`Problem` (400, 422), none."""
    operations = list(_operations(parameters))
    if not operations:
        raise _refuse("The Parameters hold no operation.", 400)
    patch = _Patch(copy.deepcopy(resource), definitions)
    for operation in operations:
        patch.run(operation)
    if any(patch.document.get(key) != resource.get(key) for key in ("resourceType", "id")):
        raise _refuse("A patch cannot change the type or the id of a resource.")
    return patch.document


def _operations(parameters: Mapping[str, Any]) -> Iterator[Operation]:
    for parameter in _objects(parameters.get("parameter")):
        if parameter.get("name") != "operation":
            raise _refuse(f"The parameter '{parameter.get('name')}' is not an operation.", 400)
        parts = {str(part.get("name")): part for part in _objects(parameter.get("part"))}
        type_, path = _text(parts, "type"), _text(parts, "path")
        if type_ not in {"add", "insert", "delete", "replace", "move"} or not path:
            raise _refuse(f"This is not an operation of FHIRPath Patch: type {type_!r}, path {path!r}.", 400)
        if type_ in {"add", "insert", "replace"} and "value" not in parts:
            raise _refuse(f"The operation {type_} on {path} has no value.", 400)
        numbers = {name: parts[name].get("valueInteger") for name in _INTEGERS if name in parts}
        found = {name: value for name, value in numbers.items() if isinstance(value, int)}
        yield Operation(type_, path, _text(parts, "name"), parts.get("value"), found)


def _objects(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _text(parts: Mapping[str, Mapping[str, Any]], name: str) -> str:
    part = parts.get(name, {})
    return str(next((value for key, value in part.items() if key.startswith("value")), ""))


class _Patch:
    def __init__(self, document: Resource, definitions: Definitions) -> None:
        self.document = document
        self._definitions = definitions

    def run(self, operation: Operation) -> None:
        """Carry out one operation on the document."""
        match operation.type:
            case "add":
                self._add(operation)
            case "delete":
                self._delete(operation)
            case "replace":
                place = self._one(operation.path)
                self._parent(place)[place[-1]] = self._value(operation, self._kind(place))
            case _:
                self._reorder(operation)

    def _add(self, operation: Operation) -> None:
        place = self._one(operation.path, element=True)
        target, kind = self._at(place), self._kind(place)
        key, child, many = self._field(kind, operation.name, operation.value)
        value = self._value(operation, child)
        if many:
            target.setdefault(key, []).append(value)
        elif key in target:
            raise _refuse(f"{operation.path}.{operation.name} is there already; replace it.")
        else:
            target[key] = value

    def _delete(self, operation: Operation) -> None:
        places = self._places(operation.path)
        if len(places) > 1:
            raise _refuse(f"{operation.path} names {len(places)} elements; a deletion is of one.")
        for place in places:
            if not place:
                raise _refuse("The whole resource cannot be removed by a patch.")
            del self._parent(place)[place[-1]]
            if isinstance(place[-1], int) and not self._at(place[:-1]):
                del self._parent(place[:-1])[place[-2]]

    def _reorder(self, operation: Operation) -> None:
        found = _LAST.fullmatch(operation.path)
        owner = self._at(self._one(found["parent"], element=True)) if found else {}
        items = owner.get(found["name"]) if found else None
        if not isinstance(items, list):
            raise _refuse(f"{operation.path} is not a list of elements.")
        try:
            if operation.type == "move":
                items.insert(operation.numbers["destination"], items.pop(operation.numbers["source"]))
                return
            index = operation.numbers["index"]
        except (KeyError, IndexError):
            raise _refuse(f"{operation.path} has no such position.") from None
        if not 0 <= index <= len(items):
            raise _refuse(f"{operation.path} has no position {index}.")
        place = self._one(found["parent"], element=True) if found else ()
        items.insert(index, self._value(operation, self._field(self._kind(place), found["name"] if found else "")[1]))

    def _value(self, operation: Operation, kind: str) -> Any:
        return self._built(operation.value or {}, kind)

    def _built(self, part: Mapping[str, Any], kind: str) -> Any:
        simple = next((value for key, value in part.items() if key.startswith("value")), None)
        if simple is not None:
            return copy.deepcopy(simple)
        made: dict[str, Any] = {}
        for inner in _objects(part.get("part")):
            key, child, many = self._field(kind, str(inner.get("name")), inner)
            value = self._built(inner, child)
            if many:
                made.setdefault(key, []).append(value)
            else:
                made[key] = value
        if not made:
            raise _refuse("The value of an operation is empty.", 400)
        return made

    def _field(self, kind: str, name: str, value: Mapping[str, Any] | None = None) -> tuple[str, str, bool]:
        """JSON name, type and whether it repeats, of the child ``name`` of ``kind``; ``value`` decides a choice."""
        structure = self._definitions.type_definition(kind.partition(".")[0])
        for element in self._definitions.snapshot(str(structure["url"])) if structure is not None else ():
            if element["path"] in {f"{kind}.{name}", f"{kind}.{name}[x]"}:
                codes = [str(item["code"]) for item in element.get("type", ())]
                inner = element["path"] if not codes or codes[0] in {"BackboneElement", "Element"} else codes[0]
                inner = str(element.get("contentReference", inner)).rpartition("#")[2]
                if not element["path"].endswith("[x]"):
                    return name, inner, element["max"] not in {"0", "1"}
                given = next((key[5:] for key in value or {} if key.startswith("value")), "")
                return name + given, next((code for code in codes if code.lower() == given.lower()), ""), False
            choice = element["path"].removesuffix("[x]").rpartition(".")
            if element["path"].endswith("[x]") and choice[0] == kind and name.startswith(choice[2]):
                codes = [item["code"] for item in element["type"] if name == choice[2] + _capital(item["code"])]
                if codes:
                    return name, str(codes[0]), False
        raise _refuse(f"{kind} has no element '{name}'.")

    def _kind(self, place: Place) -> str:
        kind = str(self.document["resourceType"])
        for key in place:
            if isinstance(key, str):
                kind = self._field(kind, key)[1]
        return kind

    def _at(self, place: Place) -> Any:
        value: Any = self.document
        for key in place:
            value = value[key]
        return value

    def _parent(self, place: Place) -> Any:
        if not place:
            raise _refuse("The whole resource cannot be replaced by a patch.")
        return self._at(place[:-1])

    def _one(self, path: str, *, element: bool = False) -> Place:
        places = self._places(path)
        if len(places) != 1:
            raise _refuse(f"{path} names {len(places)} elements; it must name one.")
        if element and not isinstance(self._at(places[0]), dict):
            raise _refuse(f"{path} has no elements of its own.")
        return places[0]

    def _places(self, path: str) -> list[Place]:
        """Where the elements are that ``path`` names. Those with children are known by identity, others by name."""
        try:
            found = compile_expression(path).evaluate(self.document)
        except FHIRPathError as error:
            raise _refuse(str(error), 400) from None
        if not found:
            return []
        known = {id(value): place for place, value in _walk(self.document, ())}
        if all(id(value) in known for value in found if isinstance(value, dict)) and isinstance(found[0], dict):
            return [known[id(value)] for value in found]
        parts = _LAST.fullmatch(path)
        if parts is None:
            raise _refuse(f"The path {path} does not name an element of the resource.")
        return [place for owner in self._places(parts["parent"]) for place in self._named(owner, parts)]

    def _named(self, owner: Place, parts: re.Match[str]) -> Iterator[Place]:
        value = self._at(owner)
        names = [key for key in value if key == parts["name"] or _is_choice(parts["name"], key)]
        for key in names[:1]:
            many = isinstance(value[key], list)
            indices = [int(parts["index"])] if parts["index"] else range(len(value[key]) if many else 1)
            yield from ((*owner, key, index) if many else (*owner, key) for index in indices)


def _capital(code: str) -> str:
    return code[:1].upper() + code[1:]


def _is_choice(name: str, key: str) -> bool:
    return key.startswith(name) and key[len(name) : len(name) + 1].isupper()


def _walk(value: Any, place: Place) -> Iterator[tuple[Place, dict[str, Any]]]:
    if isinstance(value, dict):
        yield place, value
        for key, child in value.items():
            yield from _walk(child, (*place, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from _walk(child, (*place, index))
