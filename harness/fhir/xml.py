"""FHIR XML <-> JSON, driven by the definitions. Source: FHIR R4 https://hl7.org/fhir/R4/xml.html and json.html.

Both ways keep the precision of decimals, the order of repetitions, primitive extensions and narratives. What the
definitions do not know is refused, since the order and the cardinality of an element cannot be guessed.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

from lxml import etree

from harness.errors import HarnessError
from harness.fhir.definitions import Definitions
from harness.fhir.xml_faults import libxml_fault

SIZE_LIMIT = 16 * 1024 * 1024
"""Bytes of a document at most, where nothing else is said."""
DEPTH_LIMIT = 150
"""Nested elements at most: as deep as JSON may be."""
TAG_LIMIT = 300_000
"""Tags in a document at most, and attributes: each that is read takes many times the bytes that it has."""
_CROWDED: Any = etree.XPath("//*[count(@*) > 100]")
"""Elements with more attributes than any may have; lxml needs a time for them that grows with the square."""

_FHIR = "http://hl7.org/fhir"
_XHTML = "http://www.w3.org/1999/xhtml"
_ASIDE = frozenset({etree.Comment, etree.ProcessingInstruction})
_SYSTEM = "http://hl7.org/fhirpath/System."
_INTEGERS = frozenset({"integer", "positiveInt", "unsignedInt"})
_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_RESOURCE = frozenset({"Resource", "DomainResource"})


class FHIRXMLError(HarnessError):
    """A document is not FHIR XML, or a resource cannot be written as such: what, and the line or path."""


_TOO_DEEP = f"nested more than {DEPTH_LIMIT} levels deep", f"imbriqué sur plus de {DEPTH_LIMIT} niveaux"


def _at(line: int, en: str, fr: str) -> FHIRXMLError:
    """What is wrong at a ``line`` of a document."""
    return FHIRXMLError(f"FHIR XML line {line}: {en}", f"XML FHIR, ligne {line} : {fr}")


def _in(path: str, en: str, fr: str) -> FHIRXMLError:
    """What is wrong at a ``path`` of a resource."""
    return FHIRXMLError(f"{path}: {en}", f"{path} : {fr}")


@dataclass(frozen=True, slots=True)
class _Field:
    """One child of a type: its name in XML and JSON, its type or, for a backbone element, its path.

    ``rank`` is its place in the order of the type; the types of a choice share one.
    """

    name: str
    kind: str
    many: bool
    attribute: bool
    rank: int


def from_xml(data: bytes, definitions: Definitions, *, limit: int | None = SIZE_LIMIT) -> dict[str, Any]:
    """Read one resource. Decimals come as ``Decimal``; a value of the wrong lexical form stays a text.

    ``limit`` is the number of bytes that the document may have; None where it is one's own, and as long as its JSON may
    be. Raises FHIRXMLError, with the line, for what is not
    well-formed FHIR XML, has a document type declaration, or is beyond the limits of size and depth.
    """
    if limit is not None and len(data) > limit:
        raise FHIRXMLError(
            f"FHIR XML: the document has {len(data)} bytes, more than {limit}; send less at once",
            f"XML FHIR : le document a {len(data)} octets, plus de {limit} ; envoyer moins à la fois",
        )
    if limit is not None and (data.count(b"<") > TAG_LIMIT or data.count(b'"') + data.count(b"'") > 2 * TAG_LIMIT):
        raise FHIRXMLError(
            f"FHIR XML: the document has more than {TAG_LIMIT} tags or attributes; send less at once",
            f"XML FHIR : le document a plus de {TAG_LIMIT} balises ou attributs ; envoyer moins à la fois",
        )
    if not _is_utf_8(data):
        said = "le document n'est pas en UTF-8, qu'exige FHIR (http.html#mime-type)"
        raise _at(1, "the document is not in UTF-8, which FHIR demands (http.html#mime-type)", said)
    # Without declarations nothing grows, so that an attachment may be longer than libxml2 allows a text to be.
    plain = b"<!DOCTYPE" not in data and b"\0" not in data
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True, huge_tree=plain)
    try:
        root = etree.fromstring(data, parser)
    except etree.XMLSyntaxError as error:
        said = libxml_fault(error)
        raise _at(error.lineno or 1, f"not well-formed: {error.msg}", f"XML mal formé : {said}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        said = "une déclaration de type de document (DOCTYPE) n'est pas admise ; la retirer"
        raise _at(1, "a document type declaration is not allowed; remove it", said)
    for node in _CROWDED(root)[:1]:
        raise _at(node.sourceline, "an element has more than 100 attributes", "un élément porte plus de 100 attributs")
    return _Reader(_fields_of(definitions)).resource(root, 1)


def to_xml(resource: Mapping[str, Any], definitions: Definitions) -> bytes:
    """Write one resource as UTF-8 with an XML declaration, elements in the order of the definitions.

    Raises FHIRXMLError, with the path, for a property that the type does not have and a text that XML cannot hold.
    """
    root = _Writer(_fields_of(definitions)).resource(resource, "", 1)
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8"))


def _is_utf_8(data: bytes) -> bool:
    declared = re.match(rb"\s*<\?xml[^>]*?encoding\s*=\s*[\"']([^\"']*)", data.removeprefix(b"\xef\xbb\xbf"))
    if data[:2] in (b"<\0", b"\0<") or (declared is not None and declared[1].lower() not in (b"utf-8", b"us-ascii")):
        return False
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class _Fields:
    """The children of each type, in their order, read from the definitions when first asked for."""

    def __init__(self, definitions: Definitions) -> None:
        self._definitions = definitions
        self._known: dict[str, dict[str, _Field]] = {}
        self.primitives = definitions.primitive_types
        self.resources = definitions.resource_types

    def of(self, kind: str) -> dict[str, _Field]:
        """XML name -> field, for a type or the path of a backbone element."""
        if kind not in self._known:
            structure = self._definitions.type_definition(kind.partition(".")[0])
            snapshot = self._definitions.snapshot(str(structure["url"])) if structure is not None else ()
            for rank, element in enumerate(snapshot):
                owner, _, name = element["path"].rpartition(".")
                if owner:
                    fields = _fields(name, element, rank)
                    self._known.setdefault(owner, {}).update((field.name, field) for field in fields)
            self._known.setdefault(kind, {})
        return self._known[kind]


@lru_cache(maxsize=4)
def _fields_of(definitions: Definitions) -> _Fields:
    return _Fields(definitions)


def _fields(name: str, element: Mapping[str, Any], rank: int) -> Iterator[_Field]:
    many, attribute = element["max"] not in ("0", "1"), "xmlAttr" in (element.get("representation") or ())
    if "contentReference" in element:
        yield _Field(name, element["contentReference"].rpartition("#")[2], many, attribute, rank)
    for code in dict.fromkeys(each["code"] for each in element.get("type") or ()):
        kind = "string" if code.startswith(_SYSTEM) else code
        kind = element["path"] if kind in ("BackboneElement", "Element") else kind
        stem = name.removesuffix("[x]")
        yield _Field(stem if stem == name else stem + kind[0].upper() + kind[1:], kind, many, attribute, rank)


class _Reader:
    def __init__(self, fields: _Fields) -> None:
        self._fields = fields

    def resource(self, node: Any, depth: int) -> dict[str, Any]:
        kind = _local(node)
        if kind not in self._fields.resources:
            en, fr = "is no resource type of FHIR R4", "n'est pas un type de ressource FHIR R4"
            raise _at(node.sourceline, f"<{kind}> {en}", f"<{kind}> {fr}")
        return {"resourceType": kind, **self._complex(node, kind, depth)}

    def _complex(self, node: Any, kind: str, depth: int) -> dict[str, Any]:
        if depth > DEPTH_LIMIT:
            raise _at(node.sourceline, *_TOO_DEEP)
        fields, made = self._fields.of(kind), dict[str, Any]()
        for name, value in node.attrib.items():
            if name in fields and fields[name].attribute:
                made[name] = value
            else:  # FHIR R4 xml.html#schema: not even one that names a schema
                tag = _local(node)
                raise _at(node.sourceline, f"<{tag}> has no attribute {name}", f"<{tag}> n'a pas d'attribut {name}")
        _refuse_text(node)
        before: _Field | None = None
        for child in _elements(node):
            name = _local(child, (_FHIR, _XHTML))
            field = fields.get(name)
            if field is None or field.attribute:
                en, fr = f"<{name}> is no element of {kind}", f"<{name}> n'est pas un élément de {kind}"
                raise _at(child.sourceline, en, fr)
            if not field.many and (name in made or f"_{name}" in made):
                en, fr = f"<{name}> may stand only once in {kind}", f"<{name}> ne figure qu'une fois dans {kind}"
                raise _at(child.sourceline, en, fr)
            if before is not None and field.rank < before.rank:
                raise _at(
                    child.sourceline,
                    f"<{name}> stands after <{before.name}>; in {kind} it comes before it",
                    f"<{name}> suit <{before.name}> ; dans {kind} il le précède",
                )
            before = field
            self._add(made, field, child, depth + 1)
        return made

    def _add(self, made: dict[str, Any], field: _Field, node: Any, depth: int) -> None:
        extra: dict[str, Any] | None = None
        if field.kind == "xhtml":
            value: Any = etree.tostring(_unprefixed(node), encoding="unicode", with_tail=False)
        elif field.kind in self._fields.primitives:
            value, extra = self._primitive(node, field.kind, depth)
        elif field.kind in _RESOURCE:
            inside = list(_elements(node))
            if len(inside) != 1 or node.attrib:
                raise _at(
                    node.sourceline,
                    f"<{field.name}> must hold exactly one resource",
                    f"<{field.name}> doit contenir exactement une ressource",
                )
            _refuse_text(node)
            value = self.resource(inside[0], depth + 1)
        else:
            value = self._complex(node, field.kind, depth)
        _put(made, field, value, extra)

    def _primitive(self, node: Any, kind: str, depth: int) -> tuple[Any, dict[str, Any] | None]:
        text = node.attrib.pop("value", None)
        extra = self._complex(node, "Element", depth)
        return (None, extra) if text is None else (_typed(text, kind), extra or None)


def _put(made: dict[str, Any], field: _Field, value: Any, extra: dict[str, Any] | None) -> None:
    """Set or append a value and what stands beside it; the two arrays of JSON stay as long as each other."""
    hidden = f"_{field.name}"
    if not field.many:
        if value is not None:
            made[field.name] = value
        if extra is not None:
            made[hidden] = extra
        return
    before = max(len(made.get(field.name, ())), len(made.get(hidden, ())))
    for key, item in ((field.name, value), (hidden, extra)):
        if key in made:
            made[key].append(item)
        elif item is not None:
            made[key] = [None] * before + [item]


def _typed(text: str, kind: str) -> Any:
    if kind == "boolean" and text in ("true", "false"):
        return text == "true"
    if kind in _INTEGERS and _INTEGER.fullmatch(text) and len(text) < 20:
        return int(text)
    if kind == "decimal" and _NUMBER.fullmatch(text):
        try:
            return Decimal(text)
        except InvalidOperation:  # an exponent beyond what numbers hold
            return text
    return text


def _local(node: Any, namespaces: tuple[str, ...] = (_FHIR,)) -> str:
    if not isinstance(node.tag, str):
        raise _at(node.sourceline, "an entity reference is not allowed", "une référence à une entité n'est pas admise")
    name = etree.QName(node)
    if name.namespace not in namespaces:
        raise _at(
            node.sourceline,
            f"<{name.localname}> is not in the namespace {_FHIR}",
            f"<{name.localname}> n'est pas dans l'espace de noms {_FHIR}",
        )
    return str(name.localname)


def _elements(node: Any) -> Iterator[Any]:
    """Yield what stands in ``node``, without comments and processing instructions."""
    return (child for child in node if child.tag not in _ASIDE)


def _unprefixed(node: Any) -> Any:
    """Return a narrative whose elements need no prefix, and that declares no other namespace, as JSON holds it."""
    if not any(each.prefix for each in node.iter(etree.Element)) and len(node.nsmap) == 1:
        return node
    default: Any = {None: _XHTML}
    made = etree.Element(node.tag, dict(node.attrib), nsmap=default)
    open_nodes = [(node, made)]
    while open_nodes:
        old, new = open_nodes.pop()
        new.text = old.text
        for child in old:
            if child.tag in _ASIDE:
                twin = etree.Comment(child.text) if child.tag is etree.Comment else etree.PI(child.target, child.text)
                new.append(twin)
            else:
                twin = etree.SubElement(new, child.tag, dict(child.attrib))
                open_nodes.append((child, twin))
            twin.tail = child.tail
    return made


def _refuse_text(node: Any) -> None:
    for text in (node.text, *(child.tail for child in node)):
        if text and text.strip():
            tag, held = _local(node), text.strip()[:40]
            raise _at(node.sourceline, f"<{tag}> holds text: '{held}'", f"<{tag}> contient du texte : « {held} »")


class _Writer:
    def __init__(self, fields: _Fields) -> None:
        self._fields = fields

    def resource(self, resource: Any, path: str, depth: int) -> Any:
        kind = resource.get("resourceType") if isinstance(resource, Mapping) else None
        if kind not in self._fields.resources:
            raise FHIRXMLError(
                f"{path or 'the resource'}: resourceType {kind} is no resource type of FHIR R4",
                f"{path or 'la ressource'} : resourceType {kind} n'est pas un type de ressource FHIR R4",
            )
        default: Any = {None: _FHIR}  # stubs of lxml differ in what they allow as a prefix
        node = etree.Element(f"{{{_FHIR}}}{kind}", nsmap=default)
        self._fill(node, {name: value for name, value in resource.items() if name != "resourceType"}, kind, path, depth)
        return node

    def _fill(self, node: Any, value: Any, kind: str, path: str, depth: int) -> None:
        place = path or kind
        if depth > DEPTH_LIMIT:
            raise _in(place, *_TOO_DEEP)
        if not isinstance(value, Mapping):
            found = type(value).__name__
            raise _in(
                place,
                f"expected an object for {kind} but found {found}",
                f"un objet est attendu pour {kind}, trouvé : {found}",
            )
        fields = self._fields.of(kind)
        for name in value:
            if name.removeprefix("_") not in fields:
                raise _in(f"{place}.{name}", f"{kind} has no such element", f"{kind} n'a pas cet élément")
        for field in fields.values():
            given, beside = value.get(field.name), value.get(f"_{field.name}")
            if field.attribute and given is not None:
                _set(node, field.name, given, f"{place}.{field.name}")
            elif given is not None or beside is not None:
                for index, pair in enumerate(_pairs(given, beside)):
                    where = f"{place}.{field.name}[{index}]" if field.many else f"{place}.{field.name}"
                    self._child(node, field, pair, where, depth + 1)

    def _child(self, node: Any, field: _Field, pair: tuple[Any, Any], where: str, depth: int) -> None:
        item, extra = pair
        if field.kind == "xhtml":
            node.append(_xhtml(item, where))
            return
        child = etree.SubElement(node, f"{{{_FHIR}}}{field.name}")
        if field.kind in self._fields.primitives:
            if item is not None:
                _set(child, "value", item, where)
            if extra is not None:
                self._fill(child, extra, "Element", where, depth)
        elif field.kind in _RESOURCE:
            child.append(self.resource(item, where, depth))
        else:
            self._fill(child, item, field.kind, where, depth)


def _pairs(given: Any, beside: Any) -> Iterator[tuple[Any, Any]]:
    values = given if isinstance(given, list) else [given]
    extras = beside if isinstance(beside, list) else [beside]
    for index in range(max(len(values), len(extras))):
        yield values[index] if index < len(values) else None, extras[index] if index < len(extras) else None


def _set(node: Any, name: str, value: Any, where: str) -> None:
    if isinstance(value, bool):
        text = "true" if value else "false"
    elif isinstance(value, str | int | float | Decimal):
        text = str(value)
    else:
        found = type(value).__name__
        raise _in(
            where,
            f"expected a primitive value but found {found}",
            f"une valeur primitive est attendue, trouvé : {found}",
        )
    try:
        node.set(name, text)
    except ValueError as error:
        said = "le texte contient un caractère qui n'est pas admis en XML"
        raise _in(where, "the text holds a character that XML cannot hold", said) from error


def _xhtml(text: Any, where: str) -> Any:
    parser = etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True)
    try:
        node = etree.fromstring(text, parser)
    except (etree.XMLSyntaxError, ValueError, TypeError) as error:
        said = libxml_fault(error) if isinstance(error, etree.XMLSyntaxError) else "ce n'est pas du XML"
        raise _in(
            where,
            f"the narrative is not well-formed XHTML: {error}",
            f"le texte narratif n'est pas du XHTML bien formé : {said}",
        ) from error
    if node.getroottree().docinfo.internalDTD is not None or etree.QName(node).localname != "div":
        raise _in(
            where,
            "the narrative must be one <div> without a document type declaration",
            "le texte narratif doit être un seul <div>, sans déclaration de type de document",
        )
    return node
