"""A body as lines with the element that each one shows, so that a finding can stand next to the line it is about."""

import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from harness.report.xml_layout import DEEPEST, Path, elements, is_xml

_MEMBER = re.compile(r'("(?:[^"\\]++|\\.)*+"): ')
_SEGMENT = re.compile(r"\[(\d+)\]|\.?([A-Za-z_]\w*)(\([^()]*\))?")
_LONGEST = 400
"""Characters of a line that are shown where a body is cut."""


@dataclass(frozen=True)
class Line:
    """One line of a body, and the element that begins, stands or ends on it; None where it is no resource."""

    text: str
    path: Path | None = None


def located(text: str) -> list[Line]:
    """Return the lines of a body as :func:`harness.report.inert.pretty_body` prints it: two spaces a level."""
    if is_xml(text):
        written = text.split("\n")
        return [Line(line, path) for line, path in zip(written, elements(written), strict=True)]
    if not text.startswith(("{\n", "[\n")):
        return [Line(line) for line in text.split("\n")]
    lines: list[Line] = []
    path: list[str | int] = []
    counts: list[int | None] = []
    """For each open container its next index; None for an object."""
    for line in text.split("\n"):
        content = line.lstrip(" ")
        if content[:1] in "}]" and counts:
            counts.pop()
            lines.append(Line(line, tuple(path)))
            path = path[:-1]
            continue
        step = _step(content, counts)
        here = (*path, *step)
        lines.append(Line(line, here))
        if content[-1:] in "{[":
            path = list(here)
            counts.append(None if content.endswith("{") else 0)
            if len(counts) > DEEPEST:
                return [Line(line) for line in text.split("\n")]
    return lines


def _step(content: str, counts: list[int | None]) -> Path:
    if not counts:
        return ()
    index = counts[-1]
    if index is not None:
        counts[-1] = index + 1
        return (index,)
    found = _MEMBER.match(content)
    return (_name(found[1]),) if found else ()


def _name(quoted: str) -> str:
    try:
        return str(json.loads(quoted))
    except ValueError:  # what is not printable was spelled out: ``\x7f``
        return quoted[1:-1]


def positions(lines: Sequence[Line]) -> Mapping[Path, int]:
    """Return the line that each element of a body begins on."""
    return {line.path: index for index, line in reversed(list(enumerate(lines))) if line.path is not None}


def place(first: Mapping[Path, int], expression: str) -> int | None:
    """Return the line of the element that a FHIRPath names, else of the nearest one around it; None where none is.

    ``first`` is what :func:`positions` returns. What only a choice of types spells out (``Observation.value``) is found
    under its member (``valueQuantity``).
    """
    path: Path = ()
    if not first or not expression:
        return None
    for segment in _segments(expression):
        longer = _member(first, path, segment)
        if longer is None:
            break
        path = longer
    return first.get(path)


def _segments(expression: str) -> Iterator[str | int]:
    """The members and indexes of a path, without the type at its root; a function ends it."""
    for number, found in enumerate(_SEGMENT.finditer(expression)):
        if found[3] is not None:
            return
        if found[1]:
            yield int(found[1])
        elif number or not found[2][:1].isupper():
            yield found[2]


def _member(known: Collection[Path], path: Path, segment: str | int) -> Path | None:
    if (*path, segment) in known:
        return (*path, segment)
    if isinstance(segment, int):
        return path if segment == 0 else None
    if (*path, 0, segment) in known:
        return (*path, 0, segment)
    depth = len(path)
    return next(
        (
            other
            for other in known
            if len(other) == depth + 1
            and other[:depth] == path
            and isinstance(name := other[depth], str)
            and name.startswith(segment)
            and name[len(segment) : len(segment) + 1].isupper()
        ),
        None,
    )


def changed(lines: Sequence[Line], others: Sequence[Line]) -> set[int]:
    """Return the indexes of the lines whose element is absent in ``others``, or has another value there.

    Empty unless both are a resource of the same type, other than Bundle: only then the two mean the same thing.
    """
    told = _values(others)
    if _kind(told) is None or _kind(told) != _kind(_values(lines)):
        return set()
    return {
        index
        for index, line in enumerate(lines)
        if line.path
        and not line.text.endswith(("{", "["))
        and _ends(line) is None
        and told.get(line.path) != _value(line)
    }


def _values(lines: Sequence[Line]) -> Mapping[Path, str]:
    return {line.path: _value(line) for line in lines if line.path and _ends(line) is None}


def _value(line: Line) -> str:
    content = line.text.lstrip(" ").removesuffix(",")
    found = _MEMBER.match(content)
    return content[found.end() :] if found else content


def _ends(line: Line) -> str | None:
    content = line.text.lstrip(" ")
    return content if content in ("}", "},", "]", "],") else None


def _kind(values: Mapping[Path, str]) -> str | None:
    kind = values.get(("resourceType",))
    return None if kind == '"Bundle"' else kind


def shown(lines: Sequence[Line], marked: Collection[int], limit: int) -> list[int]:
    """Return the indexes of the lines to show in about ``limit`` characters: those nearest to what is marked.

    Without a mark, the first ones. Every marked line is shown.
    """
    sizes = [min(len(line.text), _LONGEST) + 1 for line in lines]
    if sum(sizes) <= limit:
        return list(range(len(lines)))
    kept, used = set(marked), 0
    for index in sorted(range(len(lines)), key=_distances(len(lines), marked).__getitem__):
        used += sizes[index]
        if used > limit:
            break
        kept.add(index)
    return sorted(kept)


def _distances(length: int, marked: Collection[int]) -> list[int]:
    if not marked:
        return list(range(length))
    distances = [length] * length
    for indexes in (range(length), range(length - 1, -1, -1)):
        last = 2 * length
        for index in indexes:
            last = 0 if index in marked else last + 1
            distances[index] = min(distances[index], last)
    return distances


def cut(text: str, length: int = _LONGEST) -> str:
    """Return ``text``, or its beginning and how many characters more there are."""
    return text if len(text) <= length else f"{text[:length]}… (+{len(text) - length})"
