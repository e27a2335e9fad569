"""FHIR XML <-> JSON: the round trip, and what is refused, with its line or path."""

import json
import tarfile
from decimal import Decimal
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from harness.fhir.definitions import Definitions
from harness.fhir.xml import SIZE_LIMIT, TAG_LIMIT, FHIRXMLError, from_xml, to_xml

ROOT = Path(__file__).parents[2]
PACKAGES = ROOT.parent / "shared" / "packages"
DEFINITIONS = Definitions.embedded()
DIV = '<div xmlns="http://www.w3.org/1999/xhtml"><p>Anne &amp; <b>co</b></p></div>'

PATIENT_XML = f"""<?xml version="1.0" encoding="UTF-8"?>
<!-- a comment -->
<Patient xmlns="http://hl7.org/fhir">
  <id value="p1"/>
  <text><status value="generated"/>{DIV}</text>
  <contained><Organization><name value="Clinic"/></Organization></contained>
  <extension url="http://a.example/e"><valueDecimal value="1.10"/></extension>
  <active value="true"/>
  <name id="n1">
    <given value="Anne"/>
    <given><extension url="http://a.example/masked"><valueBoolean value="true"/></extension></given>
    <given value="Marie" id="g3"/>
  </name>
  <birthDate value="1980"/>
  <multipleBirthInteger value="2"/>
  <contact><name><family value="Durand"/></name></contact>
</Patient>""".encode()
PATIENT_JSON = {
    "resourceType": "Patient",
    "id": "p1",
    "text": {"status": "generated", "div": DIV},
    "contained": [{"resourceType": "Organization", "name": "Clinic"}],
    "extension": [{"url": "http://a.example/e", "valueDecimal": Decimal("1.10")}],
    "active": True,
    "name": [
        {
            "id": "n1",
            "given": ["Anne", None, "Marie"],
            "_given": [
                None,
                {"extension": [{"url": "http://a.example/masked", "valueBoolean": True}]},
                {"id": "g3"},
            ],
        }
    ],
    "birthDate": "1980",
    "multipleBirthInteger": 2,
    "contact": [{"name": {"family": "Durand"}}],
}


def test_a_patient_reads_as_its_json() -> None:
    assert from_xml(PATIENT_XML, DEFINITIONS) == PATIENT_JSON
    value = from_xml(PATIENT_XML, DEFINITIONS)["extension"][0]["valueDecimal"]
    assert str(value) == "1.10"


def test_elements_are_written_in_the_order_of_the_definitions() -> None:
    written = to_xml(dict(reversed(PATIENT_JSON.items())), DEFINITIONS)
    names = [etree.QName(child).localname for child in etree.fromstring(written)]
    assert names == [etree.QName(child).localname for child in etree.fromstring(PATIENT_XML)]
    assert from_xml(written, DEFINITIONS) == PATIENT_JSON


def _document(inner: str, kind: str = "Patient", before: str = "") -> bytes:
    return f'{before}<{kind} xmlns="http://hl7.org/fhir">\n{inner}\n</{kind}>'.encode()


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not well-formed"),
        (b"<Patient", "line 1: not well-formed"),
        (b"<Patient/>", "line 1.*not in the namespace"),
        (_document("", "Sorcerer"), "<Sorcerer> is no resource type"),
        (_document('<colour value="red"/>'), "line 2: <colour> is no element of Patient"),
        (_document('<active value="true" name="x"/>'), "line 2: <active> has no attribute name"),
        (_document('<active value="true"/><active value="true"/>'), "line 2: <active> may stand only once"),
        (_document("<name>Anne</name>"), "line 2: <name> holds text: 'Anne'"),
        (_document("<contained/>"), "line 2: <contained> must hold exactly one resource"),
        (_document('<a:name xmlns:a="http://a.example"/>'), "line 2: <name> is not in the namespace"),
        (_document("", before='<!DOCTYPE Patient [<!ENTITY a "b">]>'), "document type declaration"),
        (_document("<id>&a;</id>", before='<!DOCTYPE Patient [<!ENTITY a "b">]>'), "document type declaration"),
        (_document("&undefined;"), "line 2: not well-formed"),
        ('<Patient xmlns="http://hl7.org/fhir"/>'.encode("utf-16"), "not in UTF-8"),
        ('<Patient xmlns="http://hl7.org/fhir"/>'.encode("utf-16-le"), "not in UTF-8"),
        (b'<?xml version="1.0" encoding="UTF-7"?><Patient xmlns="http://hl7.org/fhir"/>', "not in UTF-8"),
        (_document('<language value="\u00e9"/>').replace(b"\xc3\xa9", b"\xe9"), "not in UTF-8"),
        (b" " * (SIZE_LIMIT + 1), "more than"),
        (_document('<extension url="u">' * 170 + "</extension>" * 170), "nested more than 150"),
        (_document('<birthDate value="1980"/>\n<active value="true"/>'), "line 3: <active> stands after <birthDate>"),
        (_document('<name/><active value="true"/><name/>'), "line 2: <active> stands after <name>"),
        (
            b'<Patient xmlns="http://hl7.org/fhir" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
            b'xsi:schemaLocation="http://hl7.org/fhir fhir.xsd"/>',
            "has no attribute .*schemaLocation",
        ),
        (_document("<contained>text<Basic/></contained>"), "<contained> holds text"),
        (_document('<extension url="u">' * 5000 + "</extension>" * 5000), "not well-formed|nested"),
    ],
)
def test_what_is_not_fhir_xml_is_refused_with_its_line(data: bytes, message: str) -> None:
    with pytest.raises(FHIRXMLError, match=message) as raised:
        from_xml(data, DEFINITIONS)
    assert raised.value.message_fr.startswith("XML FHIR")


def test_narratives_lose_their_prefixes_and_keep_their_comments() -> None:
    data = b"""<f:Patient xmlns:f="http://hl7.org/fhir"><!-- aside --><f:text><f:status value="generated"/>
      <h:div xmlns:h="http://www.w3.org/1999/xhtml">a<h:p title="x">b<!--c-->d</h:p><?e f?>g</h:div></f:text>
      <f:contained><!-- one --><f:Basic/></f:contained></f:Patient>"""
    div = '<div xmlns="http://www.w3.org/1999/xhtml">a<p title="x">b<!--c-->d</p><?e f?>g</div>'
    read = from_xml(data, DEFINITIONS)
    assert read["text"]["div"] == div
    assert read["contained"] == [{"resourceType": "Basic"}]
    assert from_xml(to_xml(read, DEFINITIONS), DEFINITIONS) == read


def test_a_file_of_one_s_own_may_have_any_number_of_tags() -> None:
    many = _document('<alias value="a"/>' * (TAG_LIMIT + 1), "Organization")
    with pytest.raises(FHIRXMLError, match="tags or attributes"):
        from_xml(many, DEFINITIONS)
    assert len(from_xml(many, DEFINITIONS, limit=None)["alias"]) == TAG_LIMIT + 1


def test_an_attachment_may_be_as_long_as_the_document() -> None:
    data = "QUJD" * 3_000_000
    document = _document(f'<contentType value="text/plain"/><data value="{data}"/>', "Binary")
    assert from_xml(document, DEFINITIONS)["data"] == data
    assert from_xml(document, DEFINITIONS, limit=None)["data"] == data
    with pytest.raises(FHIRXMLError, match="more than 1000"):
        from_xml(document, DEFINITIONS, limit=1000)


@pytest.mark.parametrize(
    ("resource", "message"),
    [
        ({}, "the resource: resourceType None"),
        ({"resourceType": "Patient", "colour": "red"}, r"Patient\.colour: Patient has no such element"),
        (
            {"resourceType": "Patient", "name": [{"family": "a"}, {"family": "\x01"}]},
            r"Patient\.name\[1\]\.family: the text",
        ),
        ({"resourceType": "Patient", "name": ["Anne"]}, r"Patient\.name\[0\]: expected an object"),
        ({"resourceType": "Patient", "active": {}}, r"Patient\.active: expected a primitive"),
        ({"resourceType": "Patient", "contained": [{}]}, r"Patient\.contained\[0\]: resourceType None"),
        ({"resourceType": "Patient", "text": {"div": "<p>"}}, r"Patient\.text\.div: the narrative is not well-formed"),
        ({"resourceType": "Patient", "text": {"div": "<p/>"}}, r"Patient\.text\.div: the narrative must be one <div>"),
    ],
)
def test_what_xml_cannot_hold_is_refused_with_its_path(resource: dict[str, Any], message: str) -> None:
    with pytest.raises(FHIRXMLError, match=message) as raised:
        to_xml(resource, DEFINITIONS)
    assert " : " in raised.value.message_fr
    assert raised.value.message_fr != str(raised.value)


@pytest.mark.parametrize(
    ("element", "property_", "value"),
    [
        ('<active value="yes"/>', "active", "yes"),
        ('<multipleBirthInteger value="two"/>', "multipleBirthInteger", "two"),
        ("<birthDate/>", "_birthDate", {}),
    ],
)
def test_a_wrong_value_stays_for_the_validator_to_judge(element: str, property_: str, value: Any) -> None:
    assert from_xml(_document(element), DEFINITIONS)[property_] == value


@cache
def _children(kind: str) -> list[dict[str, Any]]:
    structure = DEFINITIONS.type_definition(kind.partition(".")[0])
    snapshot = DEFINITIONS.snapshot(str(structure["url"])) if structure else ()
    return [dict(element) for element in snapshot if element["path"].rpartition(".")[0] == kind]


class Maker:
    """Makes resources at random, with primitive extensions and repetitions, along the definitions."""

    def __init__(self, random: Random) -> None:
        self.random = random

    def primitive(self, kind: str) -> Any:
        choices: dict[str, Any] = {
            "boolean": (True, False),
            **dict.fromkeys(("integer", "positiveInt", "unsignedInt"), (0, 1, 7)),
            "decimal": (Decimal("1.10"), Decimal("0"), Decimal("-2E+3")),
            "xhtml": (DIV,),
        }
        return self.random.choice(choices.get(kind, ("a", "é & <b>", "2020-01-01", ' "x"')))

    def complex(self, kind: str, depth: int = 0) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for element in _children(kind):
            name = element["path"].rpartition(".")[2]
            if self.random.random() > (0.3 if depth < 2 else 0.12) or depth > 4 or element["max"] == "0":
                continue
            codes = [each["code"] for each in element.get("type", ())] or [element["contentReference"][1:]]
            code = self.random.choice(codes)
            code = element["path"] if code in ("BackboneElement", "Element") else code
            key = name.replace("[x]", code[0].upper() + code[1:]) if name.endswith("[x]") else name
            number = self.random.randint(1, 3) if element["max"] != "1" else None
            self._fill(made, key, code, number, depth)
        return made

    def _fill(self, made: dict[str, Any], key: str, code: str, number: int | None, depth: int) -> None:
        if code in ("Resource", "DomainResource"):
            values: list[Any] = [
                {"resourceType": "Basic", **self.complex("Basic", depth + 2)} for _ in range(number or 1)
            ]
        elif code in DEFINITIONS.primitive_types or "fhirpath/System." in code:
            values = [self.primitive(code) for _ in range(number or 1)]
            if self.random.random() < 0.2 and code != "xhtml" and "fhirpath/System." not in code:
                extras: list[Any] = [None, *({"id": "x"} for _ in values[1:])] if number else [{"id": "x"}]
                if any(extras):
                    made[f"_{key}"] = extras if number else extras[0]
                    values = [None if extra and number else value for value, extra in zip(values, extras, strict=True)]
        else:
            values = [self.complex(code, depth + 1) for _ in range(number or 1)]
        made[key] = values if number else values[0]


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(sorted(DEFINITIONS.resource_types)), st.integers(0, 2**32))
def test_every_resource_survives_the_round_trip(kind: str, seed: int) -> None:
    resource = {"resourceType": kind, **Maker(Random(seed)).complex(kind)}
    assert from_xml(to_xml(resource, DEFINITIONS), DEFINITIONS) == resource


@given(st.binary(max_size=60) | st.text(alphabet="<>/=\"'Patient xmlns:&;!?[]-", max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(FHIRXMLError):
        from_xml(data, DEFINITIONS)


@pytest.mark.skipif(not PACKAGES.is_dir(), reason="the official packages are not beside the repository")
def test_official_examples_survive_the_round_trip() -> None:
    count = 0
    for archive in sorted(PACKAGES.glob("*fr.core*.tgz")):
        with tarfile.open(archive) as package:
            for member in package:
                stream = package.extractfile(member) if "/example/" in member.name else None
                if stream is None or not member.name.endswith(".json"):
                    continue
                resource = json.loads(stream.read(), parse_float=Decimal)
                if resource.get("resourceType") not in DEFINITIONS.resource_types:
                    continue
                again = from_xml(to_xml(resource, DEFINITIONS), DEFINITIONS)
                assert _without_narrative(again) == _without_narrative(resource), member.name
                count += 1
    assert count > 5


def _without_narrative(value: Any) -> Any:
    """Without the text of narratives: equal XHTML may be written differently."""
    if isinstance(value, dict):
        return {key: _without_narrative(each) for key, each in value.items() if key != "div"}
    return [_without_narrative(each) for each in value] if isinstance(value, list) else value
