"""Which parts a complex extension has: what the slices of its ``extension`` fix as their url (FHIR R4 §2.4.0.1)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from harness.validation.compile.tree import Node
from harness.validation.knowledge import Parts


def parts_of(node: Node) -> Parts | None:
    """The parts of the extension ``node``, by url, with theirs; None where a slice does not say its url."""
    found: dict[str, Parts | None] = {}
    for part in _slices(node.children.get("extension")):
        url = part.children.get("url")
        fixed = _fixed(url.element) if url is not None else None
        if fixed is None and not any(entry.get("profile") for entry in part.types):
            return None
        if fixed is not None:
            found[fixed] = parts_of(part)
    return Parts(found)


def _fixed(element: Mapping[str, object]) -> str | None:
    for facet in ("fixedUri", "patternUri"):
        if isinstance(element.get(facet), str):
            return str(element[facet])
    return None


def _slices(node: Node | None) -> Iterator[Node]:
    for part in node.slices if node is not None else ():
        yield part
        yield from _slices(part)
