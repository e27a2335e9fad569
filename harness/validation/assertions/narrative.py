"""Narrative.div: the XHTML that FHIR allows (FHIR R4 narrative §2.34, txt-1 and txt-2)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from xml.parsers import expat

from harness.validation.location import Location
from harness.validation.scope import Scope

_ALIGNED = "align char charoff valign"
_CELL = f"abbr axis headers scope rowspan colspan width height nowrap bgcolor {_ALIGNED}"
_TEXT = "p pre br hr div blockquote span em strong b i tt code var samp kbd sub sup big small abbr acronym cite q dfn"
_OTHER = "h1 h2 h3 h4 h5 h6 ul ol li dl dt dd address bdo img map area a ins del u s strike"
_TABLE = "table caption colgroup col thead tfoot tbody tr th td"
_ELEMENTS = frozenset(f"{_TEXT} {_OTHER} {_TABLE}".split())
_COMMON = frozenset({"id", "class", "style", "title", "dir", "lang", "xml:lang", "accesskey", "tabindex", "xmlns"})
_ATTRIBUTES: dict[str, frozenset[str]] = {
    name: frozenset(attributes.split())
    for name, attributes in {
        "a": "href name type hreflang rel rev charset shape coords target",
        "img": "src alt width height longdesc usemap ismap border align",
        "map": "name",
        "area": "shape coords href nohref alt",
        "table": "summary width border frame rules cellspacing cellpadding align bgcolor",
        "col": f"span width {_ALIGNED}",
        "colgroup": f"span width {_ALIGNED}",
        "tr": f"bgcolor {_ALIGNED}",
        "td": _CELL,
        "th": _CELL,
        "thead": _ALIGNED,
        "tbody": _ALIGNED,
        "tfoot": _ALIGNED,
        "blockquote": "cite",
        "q": "cite",
        "ins": "cite datetime",
        "del": "cite datetime",
        "ol": "start type",
        "ul": "type",
        "li": "value type",
        "pre": "width",
        "br": "clear",
        "hr": "width size align noshade",
        "p": "align",
        "div": "align",
    }.items()
}
_NAMESPACE = "http://www.w3.org/1999/xhtml"


class _Reader:
    """Collects what is wrong while expat reads."""

    def __init__(self) -> None:
        self.problems: list[tuple[str, str]] = []
        self.depth = 0
        self.content = False

    def start(self, name: str, attributes: dict[str, str]) -> None:
        if self.depth == 0:
            if name != "div":
                self.problems.append(("txt-1", f"the root element is '{name}', it must be 'div'"))
            if attributes.get("xmlns") != _NAMESPACE:
                self.problems.append(("xhtml", f'the div must declare xmlns="{_NAMESPACE}"'))
        elif name not in _ELEMENTS:
            self.problems.append(("txt-1", f"the element '{name}' is not allowed"))
        for attribute, value in attributes.items():
            allowed = attribute in _COMMON or attribute in _ATTRIBUTES.get(name, ())
            if not allowed or value.strip().lower().startswith(("javascript:", "vbscript:")):
                self.problems.append(("txt-1", f"the attribute '{attribute}' is not allowed on '{name}'"))
        self.content = self.content or name == "img"
        self.depth += 1

    def end(self, _name: str) -> None:
        self.depth -= 1

    def text(self, data: str) -> None:
        self.content = self.content or bool(data.strip())

    def entity(self, _name: str, _is_parameter: bool) -> None:
        self.content = True

    def doctype(self, *_: Any) -> None:
        self.problems.append(("xhtml", "a DOCTYPE is not allowed"))


@lru_cache(maxsize=256)
def problems(div: str) -> tuple[tuple[str, str], ...]:
    """What is wrong with ``div``: pairs of the constraint (txt-1, txt-2, or xhtml) and words."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.UseForeignDTD(True)  # named HTML entities (&nbsp;) are then skipped, not errors
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.SkippedEntityHandler = reader.entity
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(div, True)
    except expat.ExpatError as error:
        return (*reader.problems, ("xhtml", str(error)))
    if not reader.content:
        reader.problems.append(("txt-2", "the narrative must have some text or an image"))
    return tuple(dict.fromkeys(reader.problems))


@dataclass(frozen=True, slots=True)
class Narrative:
    """The content of ``Narrative.div``."""

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report text that is not well-formed, and elements or attributes that are not allowed."""
        if not isinstance(value, str):
            return
        for constraint, detail in problems(value):
            if constraint == "xhtml":
                scope.report("xhtml", where, detail=detail)
            else:
                scope.report("xhtml", where, detail=detail, constraint=constraint, code="invariant")

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"narrative": "xhtml"}
