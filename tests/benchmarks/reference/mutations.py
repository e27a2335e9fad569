# ruff: noqa: E501 (tables of values: one idea a line)
"""Ways to break a resource: each takes one element and changes it, or the resource around it."""

import copy
import random
from collections.abc import Callable, Iterator
from typing import Any

from instances import SAMPLES, Place, Shapes

_DAYS = [
    "2020-13",
    "2020-02-30",
    "2020-1-1",
    "0000-01-01",
    "1500",
    "1850-01-01",
    "20200101",
    "2100-02-29",
    "9999-12-31",
]
_MOMENTS = [
    "2020-01-01T10:00", "2020-01-01T10:00:00", "2020-01-01T24:00:00Z", "2020-01-01T10:00:60Z", "2020-01-01T10Z",
    "2020-01-01T10:00:00.123456789Z", "2020-01-01T10:00:00+14:00", "2020-01-01T10:00:00+15:00",
    "2020-01-01T10:00:00-00:00", "2020-01-01T10:00:00z", "2020-01-01 10:00:00Z", "2020-01-01T10:00:00+0200",
    "2020-01-01T10:00:00.Z", "2020-01-01T10:61:00Z", "2020-01-01T10:00:00+14:30", "2020-01-01T10:00Z",
]  # fmt: skip
_TEXTS = [
    "",
    " ",
    " a",
    "a ",
    "a\u00a0",
    "\u00a0",
    "tab\there",
    "two\nlines",
    "x\u0007",
    "\u200b",
    "a\ud7ffb",
    "<b>x</b>",
    "a < b",
    "{{x}}",
    "a\u202eb",
    "﻿a",
]
_URIS = [
    "", " ", "a b", "http://a b", "http://x.org/%zz", "urn:oid:abc", "urn:oid:1.2", "urn:oid:3.4", "urn:oid:1.02.3",
    "urn:uuid:xx", "urn:uuid:53FEFA32-FCBB-4FF8-8A92-55EE120877B7", "oid:1.2.3", "uuid:1", "http://", "://x", "#x", "x",
    "Patient/1", "http://acme.com/é", "http://acme.com/a|b", "urn:x", "urn:ietf:rfc:3986", "mailto:a@b.c", "HTTP://X.org",
    "http://acme.com/{x}", "https://acme.com/a?b=c&d", "http://hl7.org/fhir/invalid", "http://example.org/a|1", "|1",
    "http://acme.com/a|1|2", "http://acme.com/a#b", "a|b", "1.2.3", "urn:oid:1", "urn:oid:1.2.", "http:/x.org/y",
]  # fmt: skip
VALUES: dict[str, list[Any]] = {
    "boolean": ["true", 1, 0, "", "True"],
    "integer": [1.5, 1.0, 2147483648, -2147483649, "1", True, 2147483647],
    "positiveInt": [0, -1, 1.5, "1", 2147483648],
    "unsignedInt": [-1, 1.5, "0", 2147483648],
    "decimal": ["1.0", 1e-20, 123456789012345678901234567890, 1e22, -0.0, True, "NaN"],
    "string": _TEXTS,
    "markdown": [*_TEXTS, "`<b>`", "<http://x.org>", "<!-- x -->", "a <br/> b", "<script>", "&lt;b&gt;", "x<y>z", "</p>"],
    "code": ["", " ", " a", "a ", "a  b", "a b", "a\u00a0b", "not-a-code", "ACTIVE", "a\tb"],
    "id": ["", "a b", "x" * 65, "x" * 64, "a_b", "é", "#a", "a/b"],
    "uri": _URIS,
    "url": _URIS,
    "canonical": _URIS,
    "oid": _URIS,
    "uuid": _URIS,
    "time": ["10:00", "24:00:00", "10:00:60", "10:00:00Z", "10:00:00.123", "25:00:00", "1:00:00"],
    "date": [*_DAYS, "2020-01-01T00:00:00Z", 2020],
    "dateTime": [*_DAYS, *_MOMENTS],
    "instant": ["2020", "2020-01-01", *_MOMENTS],
    "base64Binary": ["####", "AAA", "A A A A", "AAAA\n", "AAAA====", "YQ==", "YR==", "Y", "YQ", "AAAA AAAA", "A===", "-_-_"],
    "xhtml": [
        "", "<div>no namespace</div>", '<div xmlns="http://www.w3.org/1999/xhtml"/>', "<p>x</p>", "plain",
        *(f'<div xmlns="http://www.w3.org/1999/xhtml">{part}</div>' for part in (
            " ", "<script>x</script>", "<p onclick='x'>a</p>", "<a href='javascript:x'>a</a>", "&nbsp;", "&foo;", "&#160;",
            "<img src='x.png'/>", "<img/>", "<img src='#a'/>", "<form>a</form>", "<p>a", "<P>a</P>", "<!-- c -->",
            "<!-- c -->a", "<table><tr><td colspan='2'>a</td></tr></table>", "<font color='red'>a</font>", "<b/>",
            "<center>a</center>", "<p style='x'>a</p>", "<p xml:lang='en' lang='en'>a</p>", "<iframe src='x'>a</iframe>",
            "<svg>a</svg>", "<p xmlns='http://x'>a</p>", "<input/>a", "<p data-x='1'>a</p>", "<a name='x'>a</a>",
            "<ul>a</ul>", "<object>a</object>", "<base href='x'/>a", "<link href='x'/>a", "<u>a</u>", "<p idref='x'>a</p>",
            "<a href='#nowhere'>a</a>", "<p id='a'>a</p><p id='a'>b</p>", "&lt;", "<br>", "<?pi x?>a", "<![CDATA[a]]>",
            "<p role='x'>a</p>", "<label for='x'>a</label>", "<col width='1'/>a", "<s>a</s>", "<strike>a</strike>",
            "<td>a</td>", "<img src='http://x.org/a.png' alt='x'/>", "<p><p>a</p></p>", "<section>a</section>",
            "<style>a</style>", "<time>a</time>", "<p title=''>a</p>", "<nav>a</nav>", "<th scope='col'>a</th>",
        )),
        "<div xmlns='http://www.w3.org/1999/xhtml'>a</div><div/>", "<!DOCTYPE x><div xmlns='http://www.w3.org/1999/xhtml'>a</div>",
        "<div xmlns='http://www.w3.org/1999/xhtml' xml:lang='fr' lang='fr'>a</div>", "  <div xmlns='http://www.w3.org/1999/xhtml'>a</div> ",
        "<h:div xmlns:h='http://www.w3.org/1999/xhtml'>a</h:div>",
    ],
}  # fmt: skip
REFERENCES: list[dict[str, Any]] = [
    {"reference": text}
    for text in (
        "Patient/1", "Patient/1/_history/2", "http://acme.com/fhir/Patient/1", "http://acme.com/Patient/1/_history/1", "#", "#x",
        "urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7", "urn:oid:1.2.3", "Patient", "Patient/", "/Patient/1", "Foo/1",
        "http://acme.com/x", "Patient/a b", "Patient?identifier=x", "Patient/1#a", "patient/1", "Observation/1", "", " ",
        "Patient/1|2", "urn:uuid:zz", "x", "http://acme.com/Patient/a_b", "Patient/" + "x" * 65, "ftp://x/Patient/1", "../Patient/1",
        "https://acme.com/Practitioner/2", "Medication/3", "Organization/1", "Bundle/1/Patient/2", "Resource/1",
    )
] + [
    {}, {"display": "x"}, {"identifier": {"value": "x"}}, {"type": "Patient"}, {"type": "Foo", "display": "x"}, {"identifier": {}},
    {"reference": "Patient/1", "type": "Patient"}, {"reference": "Patient/1", "type": "Observation"},
    {"reference": "Patient/1", "type": "http://hl7.org/fhir/StructureDefinition/Patient"}, {"reference": "Patient/1", "type": "patient"},
    {"identifier": {"system": "http://x.org", "value": "1"}, "type": "Observation"}, {"id": "x"}, {"display": ""},
    {"reference": "Patient/1", "type": "http://acme.com/X"}, {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason", "valueCode": "unknown"}]},
    {"display": "x", "type": "Practitioner"},
]  # fmt: skip
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
EXTENSIONS: list[dict[str, Any]] = [
    {"url": _ABSENT, "valueCode": "unknown"}, {"url": _ABSENT, "valueCode": "nope"}, {"url": _ABSENT, "valueString": "x"},
    {"url": _ABSENT}, {"url": _ABSENT, "extension": []}, {"url": "http://nowhere.test/ext", "valueString": "x"}, {"valueString": "x"},
    {"url": "ext", "valueString": "x"}, {"url": "http://hl7.org/fhir/StructureDefinition/patient-birthPlace", "valueAddress": {"city": "x"}},
    {"url": "http://hl7.org/fhir/StructureDefinition/nope", "valueString": "x"}, {"url": ""}, {"url": " x", "valueString": "a"},
    {"url": "http://hl7.org/fhir/StructureDefinition/geolocation", "extension": [{"url": "latitude", "valueDecimal": 1}, {"url": "longitude", "valueDecimal": 1}]},
    {"url": "http://hl7.org/fhir/StructureDefinition/geolocation", "extension": [{"url": "latitude", "valueDecimal": 1}]},
    {"url": "http://hl7.org/fhir/StructureDefinition/geolocation", "extension": [{"url": "latitude", "valueDecimal": 1}, {"url": "longitude", "valueDecimal": 1}, {"url": "other", "valueDecimal": 1}]},
    {"url": "http://hl7.org/fhir/StructureDefinition/iso21090-nullFlavor", "valueCode": "UNK"}, {"url": "http://hl7.org/fhir/StructureDefinition/iso21090-nullFlavor", "valueCode": "XX"},
    {"url": "http://hl7.org/fhir/StructureDefinition/rendered-value", "valueString": "x"}, {"url": "http://hl7.org/fhir/StructureDefinition/originalText", "valueString": "x"},
    {"url": "http://hl7.org/fhir/5.0/StructureDefinition/extension-Patient.x", "valueString": "x"}, {"url": _ABSENT, "valueCode": "unknown", "valueString": "x"},
    {"url": _ABSENT, "valueCode": "unknown", "extension": [{"url": _ABSENT, "valueCode": "unknown"}]}, {"url": _ABSENT, "valueUnknown": "x"}, {"url": _ABSENT + "|4.0.1", "valueCode": "unknown"},
    {"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason ", "valueCode": "unknown"}, {"id": "x", "url": _ABSENT, "valueCode": "unknown"},
    {"url": "http://hl7.org/fhir/StructureDefinition/translation", "extension": [{"url": "lang", "valueCode": "fr"}, {"url": "content", "valueString": "x"}]},
]  # fmt: skip
CODINGS: list[dict[str, Any]] = [
    {"system": "http://loinc.org", "code": "29463-7"}, {"system": "http://hl7.org/fhir/administrative-gender", "code": "male"},
    {"system": "http://hl7.org/fhir/administrative-gender", "code": "nope"}, {"system": "http://hl7.org/fhir/administrative-gender", "code": "male", "display": "Wrong"},
    {"system": "http://hl7.org/fhir/administrative-gender", "code": "male", "display": "male"}, {"system": "http://hl7.org/fhir/administrative-gender"},
    {"code": "male"}, {"system": "relative", "code": "x"}, {"system": "http://acme.com/cs", "code": "x"}, {"display": "x"}, {"userSelected": True},
    {"system": "http://hl7.org/fhir/administrative-gender", "code": "male", "version": "9"}, {"system": "http://hl7.org/fhir/ValueSet/administrative-gender", "code": "male"},
    {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK"}, {"system": "http://terminology.hl7.org/CodeSystem/nope", "code": "UNK"},
    {"system": "urn:oid:2.16.840.1.113883.5.1008", "code": "UNK"}, {"system": "http://unitsofmeasure.org", "code": "kg"}, {"system": "http://unitsofmeasure.org", "code": "kgg"},
    {"system": "http://snomed.info/sct", "code": "1"}, {"system": "http://hl7.org/fhir/v3/ActCode", "code": "AMB"}, {"system": "http://hl7.org/fhir/administrative-gender/", "code": "male"},
    {"system": "urn:ietf:bcp:47", "code": "fr-FR"}, {"system": "urn:ietf:bcp:47", "code": "xx-yy-zz"}, {"system": "urn:iso:std:iso:3166", "code": "FR"}, {"system": "urn:iso:std:iso:3166", "code": "QQ"},
]  # fmt: skip
QUANTITIES: list[dict[str, Any]] = [
    {"value": 1, "unit": "kg"}, {"value": 1, "code": "kg"}, {"value": 1, "system": "http://unitsofmeasure.org", "code": "kgg"}, {"value": "1"}, {"unit": "kg"},
    {"value": 1, "system": "http://unitsofmeasure.org", "code": "mg", "unit": "mg"}, {"value": 1, "system": "http://unitsofmeasure.org"}, {"value": -1}, {"comparator": "<"},
    {"value": 1, "comparator": "=="}, {"value": 1, "system": "http://acme.com/units", "code": "x"}, {"value": 1.5, "system": "http://unitsofmeasure.org", "code": "a", "unit": "yr"},
    {"value": 1, "system": "urn:iso:std:iso:4217", "code": "EUR"}, {"value": 1, "system": "http://unitsofmeasure.org", "code": "{tablet}"}, {"value": 1, "code": "kg", "system": "x"},
]  # fmt: skip
IDENTIFIERS: list[dict[str, Any]] = [
    {"system": "urn:ietf:rfc:3986", "value": "abc"}, {"system": "urn:ietf:rfc:3986", "value": "http://x.org"}, {"system": "relative", "value": "a"}, {"value": " a"},
    {"system": "http://acme.com/ids"}, {"type": {"text": "x"}}, {"use": "nope", "value": "x"}, {"system": "urn:oid:1.2.3", "value": ""}, {"system": "http://acme.com/a b", "value": "x"},
    {"period": {"start": "2020", "end": "2019"}}, {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.x"}, {"system": "oid:1.2.3", "value": "1"},
]  # fmt: skip
ATTACHMENTS: list[dict[str, Any]] = [
    {"data": "YQ=="}, {"data": "YQ==", "contentType": "text/plain", "size": 1}, {"data": "YQ==", "contentType": "text/plain", "size": 2}, {"size": 1}, {"url": "http://x.org/a"},
    {"contentType": "nope", "url": "http://x.org/a"}, {"contentType": "text/plain; charset=utf-8"}, {"data": "YQ==", "contentType": "text/plain", "hash": "YQ=="}, {"url": "a b"}, {"title": "x"},
    {"url": "Binary/1"}, {"url": "#x"}, {"language": "xxxxx"}, {"language": "fr-FR"}, {"language": "FR"}, {"url": "/x"}, {"contentType": "application/pdf", "url": "urn:uuid:zz"},
]  # fmt: skip
METAS: list[dict[str, Any]] = [
    {"profile": ["http://acme.com/unknown"]}, {"profile": ["http://hl7.org/fhir/StructureDefinition/Patient"]}, {"profile": ["Patient"]}, {"profile": []}, {"versionId": "a b"},
    {"profile": ["http://hl7.org/fhir/StructureDefinition/vitalsigns"]}, {"profile": ["http://hl7.org/fhir/StructureDefinition/Patient|4.0.1"]}, {"profile": ["http://hl7.org/fhir/StructureDefinition/Patient|3"]},
    {"tag": [{"system": "http://acme.com/tags", "code": "a"}, {"system": "http://acme.com/tags", "code": "a"}]}, {"lastUpdated": "2020"}, {"security": [{"system": "http://acme.com/tags", "code": "a"}]},
    {"profile": ["http://hl7.org/fhir/StructureDefinition/DomainResource"]}, {"profile": ["http://hl7.org/fhir/StructureDefinition/Resource"]}, {"profile": ["http://hl7.org/fhir/StructureDefinition/Extension"]}, {"source": "a b"}, {"source": "x"},
    {"profile": ["http://hl7.org/fhir/StructureDefinition/HumanName"]}, {"profile": ["http://hl7.org/fhir/ValueSet/administrative-gender"]}, {"profile": ["http://hl7.org/fhir/StructureDefinition/Patient", "http://hl7.org/fhir/StructureDefinition/Patient"]},
]  # fmt: skip
CONTAINED: list[dict[str, Any]] = [
    {"resourceType": "Patient", "id": "p"}, {"resourceType": "Patient"}, {"resourceType": "Patient", "id": "#p"}, {"id": "p"}, {"resourceType": "Foo", "id": "p"}, {"resourceType": "Patient", "id": "p", "meta": {"versionId": "1"}},
    {"resourceType": "Patient", "id": "p", "meta": {"lastUpdated": "2020-01-01T00:00:00Z"}}, {"resourceType": "Patient", "id": "p", "text": {"status": "generated", "div": SAMPLES["xhtml"][0]}},
    {"resourceType": "Patient", "id": "p", "contained": [{"resourceType": "Patient", "id": "q"}]}, {"resourceType": "Patient", "id": "p", "gender": "x"}, {"resourceType": "Patient", "id": "p", "meta": {"security": [{"code": "x"}]}},
    {"resourceType": "Binary", "id": "p", "contentType": "text/plain"}, {"resourceType": "Patient", "id": "p", "link": [{"other": {"reference": "#"}, "type": "refer"}]}, {"resourceType": "Bundle", "id": "p", "type": "collection"},
    {"resourceType": "Patient", "id": "x" * 65}, {"resourceType": "Patient", "id": "p", "meta": {"profile": ["http://acme.com/unknown"]}}, {"resourceType": "Parameters", "id": "p"},
]  # fmt: skip
BY_TYPE: dict[str, list[Any]] = {
    "Reference": REFERENCES,
    "Extension": EXTENSIONS,
    "Coding": CODINGS,
    "CodeableConcept": [{"coding": [c]} for c in CODINGS] + [{"text": "x"}, {"coding": []}, {"coding": CODINGS[:2]}, {"text": " "}],
    "Quantity": QUANTITIES,
    "Identifier": IDENTIFIERS,
    "Attachment": ATTACHMENTS,
    "Meta": METAS,
    "Period": [
        {"start": "2020", "end": "2019"}, {"start": "2020-01", "end": "2020"}, {"start": "2020-01-02T00:00:00Z", "end": "2020-01-01T00:00:00Z"}, {"end": "2020"},
        {"start": "2020-06-01", "end": "2020-06"}, {"start": "2020-01-01T10:00:00+02:00", "end": "2020-01-01T09:00:00Z"}, {"start": "2020-01-01T10:00:00Z", "end": "2020-01-01"},
    ],
    "ContactPoint": [{"value": "1"}, {"system": "phone"}, {"system": "email", "value": "x"}, {"system": "x", "value": "1"}, {"rank": 0, "system": "phone", "value": "1"}, {"use": "home"}],
    "Range": [{"low": {"value": 2}, "high": {"value": 1}}, {"low": {"value": 1, "code": "kg", "system": "http://unitsofmeasure.org"}, "high": {"value": 2, "code": "g", "system": "http://unitsofmeasure.org"}}, {"low": {"value": 1, "comparator": "<"}}],
    "Ratio": [{"numerator": {"value": 1}}, {"denominator": {"value": 1}}, {"numerator": {"value": 1}, "denominator": {"value": 0}}],
    "Age": [{"value": 1, "system": "http://unitsofmeasure.org", "code": "a"}, {"value": 1, "code": "a"}, {"value": -1, "system": "http://unitsofmeasure.org", "code": "a"}, {"value": 1, "system": "http://unitsofmeasure.org", "code": "kg"}],
    "Duration": [{"value": 1, "system": "http://unitsofmeasure.org", "code": "h"}, {"value": 1, "system": "http://unitsofmeasure.org", "code": "kg"}, {"value": 1}],
    "Money": [{"value": 1, "currency": "EUR"}, {"value": 1, "currency": "XXXX"}, {"currency": "eur"}],
    "SampledData": [{"origin": {"value": 1}, "period": 1, "dimensions": 1, "data": "1 2 E U L"}, {"origin": {"value": 1}, "period": 1, "dimensions": 1, "data": "x"}],
    "Timing": [{"repeat": {"period": 1}}, {"repeat": {"period": 1, "periodUnit": "d"}}, {"repeat": {"duration": -1, "durationUnit": "h"}}, {"repeat": {"timeOfDay": ["10:00:00"], "when": ["AC"]}}, {"repeat": {"offset": 1}}, {"repeat": {"when": ["C"], "offset": 1}}, {"repeat": {"countMax": 2}}],
    "Annotation": [{"text": "x", "authorString": "a", "authorReference": {"reference": "Patient/1"}}, {"authorString": "x"}, {"text": "<b>x</b>"}],
}  # fmt: skip

Mutation = Callable[[Place, dict[str, Any], random.Random, Shapes], str | None]


def other_value(place: Place, _root: dict[str, Any], rng: random.Random, _shapes: Shapes) -> str | None:
    """A value from the lists above for the type of the element."""
    values = VALUES.get(place.code) if place.code in VALUES else BY_TYPE.get(place.code)
    if not values:
        return None
    place.holder[place.key] = copy.deepcopy(rng.choice(values))
    return f"value:{place.code}"


def other_kind(place: Place, _root: dict[str, Any], rng: random.Random, _shapes: Shapes) -> str | None:
    """Another kind of JSON value."""
    place.holder[place.key] = copy.deepcopy(
        rng.choice([None, {}, [], [None], "x", 1, True, [{}], {"a": 1}, {"id": "a"}, [[]]])
    )
    return "kind"


def removed(place: Place, _root: dict[str, Any], _rng: random.Random, _shapes: Shapes) -> str | None:
    """Without the element, or one item less."""
    del place.holder[place.key]
    return "removed"


def doubled(place: Place, _root: dict[str, Any], _rng: random.Random, _shapes: Shapes) -> str | None:
    """The item twice, or a list where one value belongs."""
    value = copy.deepcopy(place.value)
    if isinstance(place.holder, list):
        place.holder.append(value)
    else:
        place.holder[place.key] = [place.value, value]
    return "doubled"


def unwrapped(place: Place, _root: dict[str, Any], _rng: random.Random, _shapes: Shapes) -> str | None:
    """The item itself where its list belongs."""
    if not isinstance(place.holder, list):
        return None
    place.parent[place.name] = place.value
    return "unwrapped"


def renamed(place: Place, _root: dict[str, Any], rng: random.Random, shapes: Shapes) -> str | None:
    """Under another name, another type of a choice, or the choice without its type."""
    if not isinstance(place.holder, dict):
        return None
    name = place.node.name
    if name.endswith("[x]"):
        kind = rng.choice([*shapes.codes(place.node), "", "Age", "Foo"])
        key = name[:-3] + kind[:1].upper() + kind[1:]
    else:
        key = rng.choice([place.key + "s", place.key.upper(), "x" + place.key, "_" + place.key])
    value = place.holder.pop(place.key)
    place.holder[key] = value
    return "renamed"


def both(place: Place, _root: dict[str, Any], rng: random.Random, shapes: Shapes) -> str | None:
    """Two types of a choice at once."""
    name = place.node.name
    if not name.endswith("[x]") or not isinstance(place.holder, dict):
        return None
    kind = rng.choice(shapes.codes(place.node))
    place.holder[name[:-3] + kind[:1].upper() + kind[1:]] = shapes.value(place.node, kind, rng, 0.3, 3)
    return "both"


def companion(place: Place, _root: dict[str, Any], rng: random.Random, _shapes: Shapes) -> str | None:
    """Something beside a primitive value, with or without it."""
    if (
        place.code not in VALUES
        or place.code == "xhtml"
        or not isinstance(place.holder, dict)
        or place.key.startswith("_")
    ):
        return None
    extra = copy.deepcopy(
        rng.choice(
            [
                {"id": "a"},
                {},
                None,
                [],
                {"extension": []},
                {"extension": [rng.choice(EXTENSIONS)]},
                {"value": 1},
                "x",
                [None],
                {"extension": [EXTENSIONS[0]]},
            ]
        )
    )
    place.holder["_" + place.key] = extra
    if rng.random() < 0.4:
        del place.holder[place.key]
    return "companion"


def extended(place: Place, _root: dict[str, Any], rng: random.Random, _shapes: Shapes) -> str | None:
    """With an extension, good or bad, or a modifier."""
    if not isinstance(place.value, dict):
        return None
    key = rng.choice(["extension", "extension", "extension", "modifierExtension"])
    place.value[key] = (
        [*place.value.get(key, []), copy.deepcopy(rng.choice(EXTENSIONS))]
        if isinstance(place.value.get(key, []), list)
        else []
    )
    return "extended"


def inserted(place: Place, _root: dict[str, Any], rng: random.Random, shapes: Shapes) -> str | None:
    """One more element that the type knows."""
    if not isinstance(place.value, dict):
        return None
    children = shapes.children(place.node, place.code)
    if not children:
        return None
    name = rng.choice(sorted(children))
    child = children[name]
    kind = rng.choice(shapes.codes(child))
    if name in ("extension", "modifierExtension", "contained"):
        return None
    key = name[:-3] + kind[:1].upper() + kind[1:] if name.endswith("[x]") else name
    most = str((child.element.get("base") or {}).get("max") or "1")
    made = shapes.value(child, kind, rng, 0.4, 3)
    place.value[key] = [made] if most not in ("0", "1") else made
    return "inserted"


def in_resource(_place: Place, root: dict[str, Any], rng: random.Random, _shapes: Shapes) -> str | None:
    """Something about the resource as a whole."""
    choice = rng.randrange(9)
    if choice == 0:
        root["contained"] = [copy.deepcopy(part) for part in rng.sample(CONTAINED, rng.choice([1, 1, 2]))]
    elif choice == 1:
        root["contained"] = [copy.deepcopy(rng.choice(CONTAINED))]
        root["extension"] = [
            {
                "url": "http://hl7.org/fhir/StructureDefinition/resource-pertainsToGoal",
                "valueReference": {"reference": "#p"},
            }
        ]
    elif choice == 2:
        root["meta"] = copy.deepcopy(rng.choice(METAS))
    elif choice == 3:
        root["text"] = {
            "status": rng.choice(["generated", "empty", "x", "additional"]),
            "div": rng.choice(VALUES["xhtml"]),
        }
    elif choice == 4:
        root[rng.choice(["foo", "fhir_comments", "resourcetype", "_id", "Extension", "_resourceType"])] = rng.choice(
            ["x", ["x"], {"id": "a"}]
        )
    elif choice == 5:
        root["id"] = rng.choice(VALUES["id"])
    elif choice == 6:
        root["language"] = rng.choice(["fr", "fr-FR", "xx", "english", "EN", "en-us", "", "zz-ZZZZ-1"])
    elif choice == 7:
        root["implicitRules"] = rng.choice(_URIS)
    else:
        root[rng.choice(["extension", "modifierExtension"])] = [copy.deepcopy(rng.choice(EXTENSIONS))]
    return "resource"


MUTATIONS: list[Mutation] = [
    other_value, other_value, other_value, other_kind, removed, removed, doubled, unwrapped, renamed, both, companion,
    extended, inserted, inserted, in_resource,
]  # fmt: skip


def mutants(
    resource: dict[str, Any], count: int, rng: random.Random, shapes: Shapes
) -> Iterator[tuple[str, dict[str, Any]]]:
    """``count`` changed copies of ``resource``, each with the name of what was done to it."""
    for _ in range(count):
        copied = copy.deepcopy(resource)
        places = list(shapes.places(copied))
        if not places:
            return
        for _ in range(5):
            place = rng.choice(places)
            done = rng.choice(MUTATIONS)(place, copied, rng, shapes)
            if done and copied != resource:
                yield f"{done}@{place.node.path}", copied
                break
