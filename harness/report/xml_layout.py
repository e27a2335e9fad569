"""FHIR's XML for reading: an element a line, and which element of the resource each line shows."""

import re
from collections.abc import Iterator, Sequence

Path = tuple[str | int, ...]
"""Members and indexes from the root: ``("name", 0, "family")``."""

NAMESPACE = "http://hl7.org/fhir"
_BEGINNING = 1_000
"""Characters in which FHIR's namespace is looked for."""
DEEPEST = 40
"""Levels that a resource has at most: of what a hostile candidate nests deeper, no line is told its element."""
_TOKEN = re.compile(r"""<(?:[^<>"']|"[^"]*+"|'[^']*+')*+>|[^<]++""")
"""A tag, or what stands between two. Of comments only those without a quotation mark: to look for the end of each one
would take the square of a hostile text's length."""
_ELEMENT = re.compile(r"<([A-Za-z][\w.-]*)")
_DIV = re.compile(r"<(/?)div\b")


def is_xml(text: str) -> bool:
    """Tell whether a body is a resource in XML."""
    return text.lstrip()[:1] == "<" and NAMESPACE in text[:_BEGINNING]


def laid_out(text: str) -> str:
    """Return a resource in XML with two spaces a level; the narrative stays on one line, as its spaces mean something.

    What is not well formed, or is nested deeper than any resource, is returned as it is.
    """
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != text:
        return text
    lines: list[str] = []
    depth, narrative = 0, 0
    for token in tokens:
        div = 0 if token.endswith("/>") or not (found := _DIV.match(token)) else -1 if found[1] else 1
        if narrative:
            lines[-1] += token.replace("\n", " ")
            narrative += div
        elif token.strip():
            depth -= token.startswith("</")
            if not token.startswith("<") or not 0 <= depth <= DEEPEST:
                return text
            lines.append("  " * depth + token.replace("\n", " "))
            narrative = max(div, 0)
            depth += _ELEMENT.match(token) is not None and not narrative and not token.endswith("/>")
    return "\n".join(lines)


def elements(lines: Sequence[str]) -> Iterator[Path | None]:
    """Yield for each line of what :func:`laid_out` returns the element that begins, stands or ends on it.

    The first of several has no index: ``("name", "family")``, ``("name", 1, "family")``. A resource inside of another
    (``<resource><Patient>``) is the element that holds it, as in FHIRPath.
    """
    path: Path = ()
    around: list[tuple[Path, dict[str, int]]] = []
    seen: dict[str, int] = {}
    for line in lines:
        content = line.lstrip(" ")
        found = _ELEMENT.match(content)
        if content.startswith("</") and around:
            yield path
            path, seen = around.pop()
        elif found and len(around) <= DEEPEST:
            name = found[1]
            number = seen[name] = seen.get(name, -1) + 1
            here = path if name[:1].isupper() else (*path, name, number) if number else (*path, name)
            yield here
            if not content.endswith(("/>", f"</{name}>")):
                around.append((path, seen))
                path, seen = here, {}
        else:
            yield None
