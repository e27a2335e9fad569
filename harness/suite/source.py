"""YAML and JSON files, read strictly: every key and value keeps its place, and nothing means more than it says.

Scalars are read by the rules of YAML 1.2 with JSON's numbers: ``null``, ``~`` and nothing are null; ``true`` and
``false`` are booleans; a number as JSON writes it is an int, or a Decimal when it has a point or an exponent, so that
``71.50`` keeps its precision. All else is text: ``no``, ``on``, ``yes``, dates, ``1.0.0``, ``007``, ``.inf``. Keys are
always text. Tags, merge keys, several documents and repeated keys are refused; anchors are allowed, within limits.
"""

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml

from harness.suite.model import Location
from harness.suite.problem import InvalidFile, Problem

MAX_BYTES = 4 * 1024 * 1024
"""The largest file that is read."""
MAX_NODES = 200_000
"""The most keys and values a file may have, each alias counted as what it stands for."""
MAX_DEPTH = 64

LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]{0,999})", re.ASCII)
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]{0,999})(?:\.[0-9]{1,999})?(?:[eE][+-]?[0-9]{1,4})?", re.ASCII)
_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}

Place = tuple[int, int]
"""Line and column, from 1."""


@dataclass(slots=True)
class Node:
    """One value of a file and its place; ``children`` by key or index, ``keys`` the places of the keys."""

    value: Any
    place: Place
    size: int = 1
    children: dict[str | int, "Node"] = field(default_factory=dict)
    keys: dict[str, Place] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Document:
    """A file that has been read."""

    file: str
    root: Node

    @property
    def value(self) -> Any:
        """The content: dicts, lists, text, ints, Decimals, booleans and None."""
        return self.root.value

    def at(self, path: Iterable[str | int], *, key: bool = False) -> Location:
        """Return where the value at ``path`` stands, or its key; the nearest outer value where the path ends early."""
        node, place = self.root, self.root.place
        for segment in path:
            if segment not in node.children:
                break
            place = (
                node.keys.get(str(segment), node.place) if isinstance(segment, str) else node.children[segment].place
            )
            node = node.children[segment]
        else:
            place = place if key else node.place
        return Location(self.file, *place)


def read_bytes(path: Path, file: str) -> bytes:
    """Return the bytes of ``path``, which messages call ``file``. Raises InvalidFile when that fails."""
    start = Location(file, 1, 1)
    try:
        if path.stat().st_size > MAX_BYTES:
            raise InvalidFile([Problem("file", start, f"the file is larger than {MAX_BYTES} bytes; split it")])
        return path.read_bytes()
    except (OSError, ValueError) as problem:  # ValueError: a NUL in the name
        reason = getattr(problem, "strerror", None) or problem
        raise InvalidFile([Problem("file", start, f"the file cannot be read: {reason}")]) from problem


def _decode(data: bytes, file: str) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = data[: problem.start]
        place = Location(file, before.count(b"\n") + 1, problem.start - (before.rfind(b"\n") + 1) + 1)
        raise InvalidFile([Problem("encoding", place, "the file is not UTF-8")]) from problem


def read_yaml(data: bytes, file: str) -> Document:
    """Read ``data``, one YAML document. Raises InvalidFile with every fault that was found."""
    text = _decode(data, file)
    composer = _Composer(file)
    try:
        for event in yaml.parse(text, Loader=LOADER):
            composer.take(event)
    except yaml.MarkedYAMLError as problem:
        mark = problem.problem_mark or problem.context_mark
        place = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file, 1, 1)
        composer.problems.append(Problem("yaml", place, f"not YAML: {problem.problem}{_hint(text, place.line)}"))
    except (yaml.YAMLError, ValueError) as problem:
        composer.problems.append(Problem("yaml", Location(file, 1, 1), f"not YAML: {problem}"))
    if composer.problems:
        raise InvalidFile(composer.problems)
    return Document(file, composer.root)


def _hint(text: str, line: int) -> str:
    lines = text.splitlines()
    written = lines[line - 1] if line <= len(lines) else ""
    flow = re.search(r"[\[{,].*(?<!['\"])\$\{", written)
    return '; between { } or [ ] put quotes around ${…}: "${…}"' if flow else ""


class _Stop(ValueError):
    """A limit is passed: reading on would cost too much."""


class _Composer:
    """Makes nodes of the events of a YAML parser, without recursion."""

    def __init__(self, file: str) -> None:
        self.problems: list[Problem] = []
        self.root = Node(None, (1, 1))
        self._file = file
        self._open: list[tuple[Node, str | None, tuple[str, Place] | None]] = []
        self._anchors: dict[str, Node | None] = {}
        self._documents = 0
        self._count = 0

    def take(self, event: Any) -> None:
        """Take the next event."""
        place = (event.start_mark.line + 1, event.start_mark.column + 1)
        match event:
            case yaml.ScalarEvent():
                self._untagged(event, place)
                self._add(Node(self._scalar(event), place), event.anchor, place)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._untagged(event, place)
                if len(self._open) >= MAX_DEPTH:
                    raise _Stop(f"line {place[0]}: more than {MAX_DEPTH} levels")
                node = Node({} if isinstance(event, yaml.MappingStartEvent) else [], place)
                if event.anchor:
                    self._anchors[event.anchor] = None  # known, but not complete: it cannot hold itself
                self._open.append((node, event.anchor, None))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                node, anchor, _ = self._open.pop()
                self._add(node, anchor, node.place)
            case yaml.AliasEvent():
                self._alias(event, place)
            case yaml.DocumentStartEvent():
                self._documents += 1
                if self._documents == 2:
                    self._fault("documents", place, "the file holds a second document; make it a file of its own")
            case _:
                pass

    def _alias(self, event: Any, place: Place) -> None:
        target = self._anchors.get(event.anchor)
        if target is None:
            known = "holds itself" if event.anchor in self._anchors else "has no anchor before it"
            self._fault("alias", place, f"the alias *{event.anchor} {known}")
            target = Node(None, place)
        self._add(target, None, place)

    def _add(self, node: Node, anchor: str | None, place: Place) -> None:
        if anchor:
            self._anchors[anchor] = node
        if not self._open:
            self.root = node
            return
        holder, holder_anchor, key = self._open[-1]
        if isinstance(holder.value, list):
            holder.children[len(holder.value)] = node
            holder.value.append(node.value)
        elif key is None:
            self._open[-1] = (holder, holder_anchor, (self._key(node, place, holder), place))
            return
        else:
            holder.value[key[0]] = node.value
            holder.children[key[0]] = node
            self._open[-1] = (holder, holder_anchor, None)
        holder.size += node.size
        if holder.size > MAX_NODES:
            raise _Stop(f"line {place[0]}: more than {MAX_NODES} values, counting each alias as what it stands for")

    def _key(self, node: Node, place: Place, holder: Node) -> str:
        if not isinstance(node.value, str):
            self._fault("key", place, "a key must be a word or a text")
            return f"?{place}"
        key = node.value
        if key == "<<":
            self._fault("key", place, "merge keys (<<) are not part of YAML 1.2; repeat the keys")
        if key in holder.keys:
            line = holder.keys[key][0]
            self._fault("duplicate", place, f'the key "{key}" stands here a second time, first in line {line}')
            return f"?{place}"
        holder.keys[key] = place
        return key

    def _scalar(self, event: Any) -> Any:
        text: str = event.value
        holder, _, key = self._open[-1] if self._open else (None, None, None)
        if not event.implicit[0] or (holder is not None and isinstance(holder.value, dict) and key is None):
            return text
        if text in _WORDS:
            return _WORDS[text]
        if _INTEGER.fullmatch(text):
            return int(text)
        return Decimal(text) if _DECIMAL.fullmatch(text) else text

    def _untagged(self, event: Any, place: Place) -> None:
        if event.tag is not None and event.tag != "!":
            self._fault("tag", place, f"tags ({event.tag}) are not allowed; put quotes around what must be text")

    def _fault(self, code: str, place: Place, message: str) -> None:
        self.problems.append(Problem(code, Location(self._file, *place), message))


def read_json(data: bytes, file: str) -> Any:
    """Read ``data``, one JSON value, numbers with a point as Decimal. Raises InvalidFile, also for a repeated key."""
    text = _decode(data, file)
    try:
        return json.loads(text, parse_float=_decimal, parse_constant=_constant, object_pairs_hook=_members)
    except json.JSONDecodeError as problem:
        place = Location(file, problem.lineno, problem.colno)
        raise InvalidFile([Problem("json", place, f"not JSON: {problem.msg}")]) from problem
    except (ValueError, ArithmeticError) as problem:
        raise InvalidFile([Problem("json", Location(file, 1, 1), f"not JSON: {problem}")]) from problem
    except RecursionError as problem:
        raise InvalidFile([Problem("json", Location(file, 1, 1), "the JSON is nested too deeply")]) from problem


def _decimal(text: str) -> Decimal:
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f"the number {text[:40]}… is too long")
    return Decimal(text)


def _constant(name: str) -> Any:
    raise ValueError(f"{name} is not a JSON number")


def _members(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f'the key "{twice}" stands twice in one object')
    return members
