"""Where the values of a search parameter are in a resource.

Most expressions of SearchParameter are plain paths; they are walked directly, since indexing happens at every write.
Everything else goes to the FHIRPath engine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from harness.fhir.fhirpath import compile_expression

Found = tuple[str | None, Any]
"""The FHIR type, where the JSON says it (the suffix of a choice element), and the value."""

_CAST = re.compile(r"\((?P<path>[\w.]+(?:\('[^']*'\)[\w.]*)?) as (?P<type>\w+)\)")
_STEP = re.compile(
    r"(?:^|\.)(?:extension\('(?P<url>[^']*)'\)"
    r"|where\(url\s*=\s*'(?P<where_url>[^']*)'\)"
    r"|where\(system\s*=\s*'(?P<system>[^']*)'\)"
    r"|where\(resolve\(\) is (?P<target>\w+)\)"
    r"|(?:as|ofType)\((?P<type>\w+)\)"
    r"|(?P<name>\w+)(?![\w(]))"
)


@dataclass(frozen=True, slots=True)
class _Step:
    kind: str
    text: str


def split(expression: str) -> list[str]:
    """The terms of a union, ``|`` inside brackets or quotes left alone."""
    terms, start, depth, quoted = [], 0, 0, False
    for position, letter in enumerate(expression):
        if letter == "'":
            quoted = not quoted
        elif quoted:
            continue
        elif letter in "()":
            depth += 1 if letter == "(" else -1
        elif letter == "|" and depth == 0:
            terms.append(expression[start:position].strip())
            start = position + 1
    return [*terms, expression[start:].strip()]


def _steps(term: str) -> tuple[_Step, ...] | None:
    cast = _CAST.fullmatch(term)
    text = f"{cast['path']}.as({cast['type']})" if cast else term
    steps, position = [], 0
    while position < len(text):
        found = _STEP.match(text, position)
        if found is None:
            return None
        kind = str(found.lastgroup)
        steps.append(_Step(kind, found[kind]))
        position = found.end()
    return tuple(steps)


def _items(value: Any) -> Iterator[Any]:
    if isinstance(value, list):
        yield from (item for item in value if item is not None)
    elif value is not None:
        yield value


def _child(parent: Any, name: str) -> Iterator[Found]:
    if not isinstance(parent, dict):
        return
    if name in parent:
        yield from ((None, item) for item in _items(parent[name]))
        return
    length = len(name)
    for key, value in parent.items():
        if key.startswith(name) and key[length].isupper():
            yield from ((key[length:], item) for item in _items(value))


def _is_a(type_: str | None, wanted: str, value: Any) -> bool:
    if type_ is not None:
        return type_.lower() == wanted.lower()
    return not isinstance(value, dict) or wanted != "CodeableConcept" or "coding" in value or "text" in value


def _points_at(value: Any, target: str) -> bool:
    if not isinstance(value, dict):
        return False
    reference, type_ = value.get("reference"), value.get("type")
    if isinstance(reference, str) and not reference.startswith("#"):
        return f"{target}/" in reference
    return type_ in {None, target}


def _advance(found: Iterable[Found], step: _Step) -> Iterator[Found]:
    for type_, value in found:
        match step.kind:
            case "name":
                yield from _child(value, step.text)
            case "url":
                yield from (item for item in _child(value, "extension") if _url(item[1]) == step.text)
            case "where_url" if _url(value) == step.text:
                yield type_, value
            case "system" if isinstance(value, dict) and value.get("system") == step.text:
                yield type_, value
            case "target" if _points_at(value, step.text):
                yield type_, value
            case "type" if _is_a(type_, step.text, value):
                yield type_ or step.text, value


def _url(value: Any) -> Any:
    return value.get("url") if isinstance(value, dict) else None


def _walker(steps: tuple[_Step, ...]) -> Callable[[dict[str, Any]], list[Found]]:
    def walk(resource: dict[str, Any]) -> list[Found]:
        found: list[Found] = [(None, resource)]
        for step in steps:
            found = list(_advance(found, step))
            if not found:  # as most do: a resource has few of the elements that can be searched
                break
        return found

    return walk


def _evaluator(term: str) -> Callable[[dict[str, Any]], list[Found]]:
    expression = compile_expression(term)

    def evaluate(resource: dict[str, Any]) -> list[Found]:
        return [(None, value) for value in expression.evaluate(resource)]

    return evaluate


def compile_path(expression: str, type_: str) -> Callable[[dict[str, Any]], list[Found]]:
    """Compile what ``expression`` finds in a resource of ``type_``; terms about other types are left out."""
    parts = []
    for term in split(expression):
        root = re.match(r"\(*(\w+)", term)
        name = root[1] if root else ""
        if name[:1].isupper() and name not in {type_, "Resource", "DomainResource"}:
            continue
        relative = re.sub(rf"^(\(*){name}\.", r"\1", term) if name[:1].isupper() else term
        steps = _steps(relative) if relative != name or not name[:1].isupper() else ()
        parts.append(_evaluator(term) if steps is None else _walker(steps))

    def find(resource: dict[str, Any]) -> list[Found]:
        return [found for part in parts for found in part(resource)]

    return find
