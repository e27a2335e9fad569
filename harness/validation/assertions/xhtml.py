"""The XHTML that a narrative may hold (FHIR R4 narrative §2.34.0.1; HTML 4.0 chapters 7 to 11, without 9.4, and 15).

Deprecated elements, scripts, forms and the like are excluded by the specification; where an element may stand follows
the content models of HTML 4.0.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any, NamedTuple
from xml.parsers import expat

from harness.fhir.xml_faults import expat_fault
from harness.reason import Reason

_NAMESPACE = "http://www.w3.org/1999/xhtml"
_INLINE = "a b em i strong small big sub sup code tt dfn q var abbr acronym cite bdo kbd samp span"
_FLOW = "p br div h1 h2 h3 h4 h5 h6 blockquote hr address ul ol li dl dt dd pre img map area"
_TABLE = "table caption colgroup col thead tr tfoot tbody th td"
_ELEMENTS = frozenset(f"{_INLINE} {_FLOW} {_TABLE}".split())
_GENERAL = "title style class id lang xml:lang dir accesskey tabindex xml:space"
_CELLS = "span width align valign char charoff abbr axis headers scope rowspan colspan"
_COMMON = frozenset(f"{_GENERAL} {_CELLS}".split())
_OWN: dict[str, frozenset[str]] = {
    name: frozenset(attributes.split())
    for name, attributes in {
        "a": "href name charset type hreflang rel rev shape coords",
        "img": "src border alt longdesc height width usemap ismap",
        "map": "name",
        "area": "shape coords href nohref alt",
        "table": "summary width border frame rules cellspacing cellpadding",
        "blockquote": "cite",
        "q": "cite",
        "pre": "space",
        "td": "nowrap",
    }.items()
}
_PARENTS: dict[str, frozenset[str]] = {
    name: frozenset(parents.split())
    for name, parents in {
        "tr": "table thead tfoot tbody",
        "tbody": "table",
        "thead": "table",
        "tfoot": "table",
        "caption": "table",
        "colgroup": "table",
        "col": "colgroup table",
        "th": "tr thead tfoot",
        "td": "tr thead tfoot",
        "li": "ul ol",
        "dd": "dl",
        "dt": "dl",
    }.items()
}
_CHILDREN: dict[str, frozenset[str]] = {
    name: frozenset(children.split())
    for name, children in {
        "table": "tbody tr caption thead tfoot col colgroup",
        "tr": "td th",
        "tbody": "tr",
        "thead": "tr",
        "tfoot": "tr",
        "ul": "li",
        "ol": "li",
        "dl": "dd dt",
        "map": "area",
        "br": "",
        "img": "",
        "hr": "",
        "area": "",
    }.items()
}
_TEXT_ONLY = frozenset(f"p h1 h2 h3 h4 h5 h6 pre address caption dt {_INLINE}".split())
_BLOCKS = frozenset(["div", "pre", "table", "ul", "ol"])
_IN_PARAGRAPH = _BLOCKS | {"p", "blockquote"}
_ACTIVE = ("javascript:", "vbscript:")
_LITERAL = ("urn:", "cid:")
_WHITE_SPACE = " \t\r\n"
"""XML's (§2.3); a space that does not break is content."""
_DATA = re.compile(
    r"data:\s*(?:[\w.+-]+/[\w.+-]+(?:\s*;\s*[\w.+-]+=[^;,]+)*)?(?:,[^,]|;base64,[A-Za-z0-9+/%]+={0,2}\s*$)", re.ASCII
)
"""A URL that holds what it leads to, with its media type (RFC 2397)."""
_URL = re.compile(r"[\w;?:@&=+$.,/%\-~#\[\]!'()*|]+")


class Xhtml(NamedTuple):
    """What is wrong with a narrative (pairs of a constraint, or "xhtml", and words), and where it links inside."""

    problems: tuple[tuple[str, Reason], ...]
    anchors: tuple[str, ...]
    names: frozenset[str]


class _Reader:
    """Collects what is wrong while expat reads."""

    def __init__(self) -> None:
        self.problems: list[tuple[str, Reason]] = []
        self.path: list[str] = []
        self.prefix = ""
        self.content = False
        self.anchors: list[str] = []
        self.names: set[str] = set()

    def _say(self, constraint: str, en: str, fr: str) -> None:
        self.problems.append((constraint, Reason(en, fr)))

    def start(self, name: str, attributes: dict[str, str]) -> None:
        for attribute, namespace in attributes.items():
            if attribute.startswith("xmlns:") and namespace == _NAMESPACE:
                self.prefix = attribute.removeprefix("xmlns:") + ":"
        prefixed = bool(self.prefix) and name.startswith(self.prefix)
        name = name.removeprefix(self.prefix)
        if not self.path:
            if name != "div":
                en, fr = f"the root element is '{name}', it must be 'div'", f"la racine est « {name} », il faut « div »"
                self._say("txt-1", en, fr)
            if not prefixed and attributes.get("xmlns") != _NAMESPACE:
                declared = f'xmlns="{_NAMESPACE}"'
                self._say("xhtml", f"the div must declare {declared}", f"le div doit déclarer {declared}")
        elif name not in _ELEMENTS:
            self._say("txt-1", f"the element '{name}' is not allowed", f"l'élément « {name} » n'est pas admis")
        else:
            self._placed(name, attributes)
        own = _OWN.get(name, frozenset())
        for attribute in attributes:
            if attribute not in _COMMON and attribute not in own and not attribute.startswith("xmlns"):
                en = f"the attribute '{attribute}' is not allowed on '{name}'"
                self._say("txt-1", en, f"l'attribut « {attribute} » n'est pas admis sur « {name} »")
        for attribute in ("href", "src"):
            if attribute in attributes:
                self._link(attributes[attribute])
        self.names.update(attributes[key] for key in ("id", "name") if key in attributes)
        self.content = self.content or name == "img"
        self.path.append(name)

    def _placed(self, name: str, attributes: dict[str, str]) -> None:
        parent = self.path[-1]
        wrong = name in _PARENTS and parent not in _PARENTS[name]
        wrong = wrong or (parent in _CHILDREN and name not in _CHILDREN[parent])
        wrong = wrong or (name in _BLOCKS and not _TEXT_ONLY.isdisjoint(self.path))
        wrong = wrong or (name in _IN_PARAGRAPH and "p" in self.path) or (name == "a" and "a" in self.path)
        if wrong:
            above = "/".join(self.path)
            en = f"the element '{name}' may not stand in '{above}'"
            self._say("xhtml", en, f"l'élément « {name} » n'est pas admis dans « {above} »")
        if attributes.get("xmlns", _NAMESPACE) != _NAMESPACE:
            en, fr = "is of another namespace", "est d'un autre espace de noms"
            self._say("xhtml", f"the element '{name}' {en}", f"l'élément « {name} » {fr}")

    def _link(self, url: str) -> None:
        if url.startswith("#"):
            if len(url) > 1:
                self.anchors.append(url[1:])
        elif url.strip().lower().startswith(_ACTIVE):
            self._say("txt-1", f"the link '{url}' is active content", f"le lien « {url} » est un contenu actif")
        elif url.startswith(_LITERAL) or not (_DATA.match(url) if url.startswith("data:") else _URL.fullmatch(url)):
            en, fr = "is no link that a reader can follow", "n'est pas un lien qu'un lecteur peut suivre"
            self._say("xhtml", f"'{url}' {en}", f"« {url} » {fr}")

    def end(self, _name: str) -> None:
        self.path.pop()

    def text(self, data: str) -> None:
        if data.strip(_WHITE_SPACE):
            self.content = True
            if self.path and self.path[-1] in _CHILDREN:
                above = "/".join(self.path)
                self._say("xhtml", f"text may not stand in '{above}'", f"du texte n'est pas admis dans « {above} »")

    def entity(self, name: str, _is_parameter: bool) -> None:
        self.content = True
        self._say(
            "xhtml",
            f"the entity '&{name};' is not one of XML's: write the character itself",
            f"l'entité « &{name}; » n'est pas de celles de XML : écrire le caractère lui-même",
        )

    def doctype(self, *_: Any) -> None:
        self._say("xhtml", "a DOCTYPE is not allowed", "un DOCTYPE n'est pas admis")


@lru_cache(maxsize=256)
def read(div: str) -> Xhtml:
    """What is to be said about ``div``, apart from the resource it stands in."""
    reader = _Reader()
    parser = expat.ParserCreate()
    parser.UseForeignDTD(True)  # entities of HTML (&nbsp;) are then named in our words
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.text
    parser.SkippedEntityHandler = reader.entity
    parser.StartDoctypeDeclHandler = reader.doctype
    try:
        parser.Parse(div, True)
    except expat.ExpatError as error:
        reader.problems.append(("xhtml", Reason(str(error), expat_fault(str(error)))))
    else:
        if not reader.content:
            en, fr = "the narrative must have some text or an image", "il doit comporter du texte ou une image"
            reader.problems.append(("txt-2", Reason(en, fr)))
    return Xhtml(tuple(dict.fromkeys(reader.problems)), tuple(reader.anchors), frozenset(reader.names))
