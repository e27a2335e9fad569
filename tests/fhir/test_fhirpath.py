"""FHIRPath N1's semantics with FHIR's additions, as tables: expression, result."""

import subprocess
import sys
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.errors import FHIRPathError
from harness.fhir.definitions import Definitions
from harness.fhir.fhirpath import Environment, compile_expression
from harness.fhir.fhirpath.element_types import child_types

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "p1",
    "active": True,
    "name": [
        {"use": "official", "family": "Martin", "given": ["Anne", "Marie"]},
        {"use": "usual", "given": ["Annie"]},
    ],
    "birthDate": "1980-05-01",
    "_birthDate": {"extension": [{"url": "http://a.example/time", "valueDateTime": "1980-05-01T10:00:00+02:00"}]},
    "_gender": {"extension": [{"url": "http://a.example/why", "valueCode": "unknown"}]},
    "deceasedBoolean": False,
    "contained": [{"resourceType": "Organization", "id": "o1", "name": "Clinic"}],
    "managingOrganization": {"reference": "#o1"},
    "generalPractitioner": [{"reference": "Practitioner/1"}, {"reference": "#missing"}],
    "contact": [{"name": {"family": "Durand"}}],
    "multipleBirthInteger": 2,
    "photo": [{"size": 1.50}],
    "telecom": [{"value": "1", "rank": 1}, {"value": "2", "rank": 2}, {"value": "1", "rank": 3}],
}
QUANTITY = {"value": Decimal("1.50"), "system": "http://unitsofmeasure.org", "code": "mg"}

LOGIC = [  # N1 §6.5: every pair of true, false and empty
    *(("and", a, b, c) for a, b, c in [("true", "{}", None), ("false", "{}", False), ("{}", "{}", None)]),
    *(("and", a, b, c) for a, b, c in [("true", "true", True), ("true", "false", False), ("{}", "false", False)]),
    *(("or", a, b, c) for a, b, c in [("true", "{}", True), ("false", "{}", None), ("{}", "{}", None)]),
    *(("or", a, b, c) for a, b, c in [("false", "false", False), ("{}", "true", True), ("{}", "false", None)]),
    *(("xor", a, b, c) for a, b, c in [("true", "{}", None), ("true", "true", False), ("false", "true", True)]),
    *(("implies", a, b, c) for a, b, c in [("true", "{}", None), ("false", "{}", True), ("{}", "{}", None)]),
    *(("implies", a, b, c) for a, b, c in [("{}", "true", True), ("{}", "false", None), ("true", "false", False)]),
]

TABLE: list[tuple[str, list[Any]]] = [
    # paths, choices, primitive extensions, types
    ("name.given", ["Anne", "Marie", "Annie"]),
    ("Patient.name.family", ["Martin"]),
    ("Observation.name", []),
    ("Resource.id | DomainResource.active", ["p1", True]),
    ("name[1].given", ["Annie"]),
    ("name[7]", []),
    ("deceased", [False]),
    ("deceased is boolean", [True]),
    ("deceased is Boolean", [True]),
    ("deceased is dateTime", [False]),
    ("deceased.ofType(dateTime)", []),
    ("multipleBirth as integer", [2]),
    ("birthDate.extension('http://a.example/time').value", ["1980-05-01T10:00:00+02:00"]),
    ("birthDate.extension.value is dateTime", [True]),
    ("gender.exists()", [True]),
    ("gender", []),
    ("gender.hasValue()", [False]),
    ("gender = 'male'", []),
    ("gender.extension.value", ["unknown"]),
    ("birthDate.hasValue()", [True]),
    ("name.hasValue()", [False]),
    ("birthDate.getValue()", ["1980-05-01"]),
    ("birthDate.value", ["1980-05-01"]),
    ("name.given.value.exists()", [True]),
    ("managingOrganization.resolve().name", ["Clinic"]),
    ("managingOrganization.resolve() is Organization", [True]),
    ("generalPractitioner.resolve()", []),
    ("contained.ofType(Organization).name", ["Clinic"]),
    ("children().ofType(boolean)", [True, False]),
    ("contact.descendants().count()", [2]),
    ("1 is System.Integer", [True]),
    ("1 is FHIR.integer", [False]),
    ("'a' is String and 1.0 is Decimal and @2020 is Date and @T10:00 is Time and @2020T is DateTime", [True]),
    # existence and filters
    ("name.where(use = 'official').family", ["Martin"]),
    ("name.where(family.empty()).use", ["usual"]),
    ("name.exists(use = 'usual')", [True]),
    ("name.all(given.exists())", [True]),
    ("{}.all(false)", [True]),
    ("name.select(given.first())", ["Anne", "Annie"]),
    ("name.given.select($this & '!')", ["Anne!", "Marie!", "Annie!"]),
    ("name.given.where($index > 0)", ["Marie", "Annie"]),
    ("name.select(given.select($index))", [0, 1, 0]),
    ("contact.repeat(name).family", ["Durand"]),
    ("(1 | 2 | 3).aggregate($this + $total, 0)", [6]),
    ("(3 | 1 | 2).aggregate(iif($total.empty() or $this < $total, $this, $total))", [1]),
    ("(true | false).allTrue()", [False]),
    ("(true | false).anyTrue() and (true | false).anyFalse()", [True]),
    ("{}.allTrue() and {}.allFalse()", [True]),
    ("(1 | 2).subsetOf(1 | 2 | 3) and (1 | 2 | 3).supersetOf(1 | 2)", [True]),
    # subsetting and combining
    ("telecom.value", ["1", "2", "1"]),
    ("telecom.value.distinct()", ["1", "2"]),
    ("telecom.value.isDistinct()", [False]),
    ("telecom.isDistinct()", [True]),
    ("name.given.first() | name.given.last()", ["Anne", "Annie"]),
    ("name.given.tail().take(1)", ["Marie"]),
    ("name.given.skip(2)", ["Annie"]),
    ("(1 | 2).combine(2 | 3)", [1, 2, 2, 3]),
    ("(1 | 2).union(2 | 3)", [1, 2, 3]),
    ("(1 | 2 | 3).intersect(2 | 3 | 4)", [2, 3]),
    ("(1 | 2 | 3).exclude(2)", [1, 3]),
    ("name.first().single().use", ["official"]),
    # equality and equivalence
    ("name.given = ('Anne' | 'Marie')", [False]),
    ("(1 | 2) = (2 | 1)", [False]),
    ("(1 | 2) ~ (2 | 1)", [True]),
    ("{} = {}", []),
    ("{} ~ {}", [True]),
    ("1 = 1.0", [True]),
    ("'a' = 'A'", [False]),
    ("'a  b' ~ 'A B'", [True]),
    ("true = 1", [False]),
    ("1.23 ~ 1.2", [True]),
    ("name.first() = name.last()", [False]),
    ("name.first() = name.first()", [True]),
    ("birthDate = '1980-05-01'", [True]),
    ("birthDate = @1980-05-01", [True]),
    ("birthDate = @1980-05", []),
    ("birthDate ~ @1980-05", [False]),
    ("@2020-01-01T10:00:00+02:00 = @2020-01-01T08:00:00Z", [True]),
    ("4 'mg' = 4.0 'mg'", [True]),
    ("4 'mg' = 4 'kg'", [False]),
    ("60 's' = 1 'min'", [True]),
    ("name.given contains 'Marie'", [True]),
    ("'x' in name.given", [False]),
    ("{} in name.given", []),
    # order
    ("birthDate < @1981", [True]),
    ("birthDate > @1980", []),
    ("1 < 1.5 and 'a' < 'b' and 2 'mg' > 1 'mg' and @T10:00 <= @T10:00", [True]),
    ("1 > {}", []),
    # arithmetic and texts
    ("1 + 2 * 3 - 4", [3]),
    ("7 div 2 | 7 mod 2", [3, 1]),
    ("-7 div 2", [-3]),
    ("7 / 2", [Decimal("3.5")]),
    ("1 / 0", []),
    ("0.1 + 0.2 = 0.3", [True]),
    ("photo.size + 1 = 2.5", [True]),
    ("'a' + 'b' & {} & 'c'", ["abc"]),
    ("(-1.5).abs() | (1.2).ceiling() | (-1.2).floor() | (1.9).truncate()", [Decimal("1.5"), 2, -2, 1]),
    ("(2.345).round(2)", [Decimal("2.35")]),
    ("'abc'.startsWith('a') and 'abc'.endsWith('c') and 'abc'.contains('b')", [True]),
    ("'abc'.substring(1) | 'abc'.substring(0, 1)", ["bc", "a"]),
    ("'abc'.substring(3)", []),
    ("'abc'.indexOf('c') | 'abc'.indexOf('x')", [2, -1]),
    ("'abc'.upper() | 'ABC'.lower() | ' a '.trim()", ["ABC", "abc", "a"]),
    ("'abc'.length()", [3]),
    ("'a.b'.replace('.', '-')", ["a-b"]),
    ("'ab'.replaceMatches('(a)(b)', '$2$1')", ["ba"]),
    (r"'x12'.matches('^x\d+$')", [True]),
    ("'abc'.matches('b') and 'abc'.matchesFull('b').not()", [True]),
    ("'ab'.toChars()", ["a", "b"]),
    ("'a,b'.split(',').join('-')", ["a-b"]),
    ("{}.startsWith('a')", []),
    # dates and durations
    ("@2020-01-31 + 1 month", ["2020-02-29"]),
    ("@2020 + 18 months", ["2021"]),
    ("@2020-01 - 45 days", ["2019-12"]),
    ("@2020-02-28 + 36 hours", ["2020-02-29"]),
    ("@2020-01-01T00:00:00+02:00 - 1 second", ["2019-12-31T23:59:59+02:00"]),
    ("@2020-01-01T10:00:00.5Z + 500 'ms'", ["2020-01-01T10:00:01.000+00:00"]),
    ("@T23:30 + 1 hour", ["00:30"]),
    ("@9999 + 1 year", []),
    ("birthDate + 18 years", ["1998-05-01"]),
    ("birthDate + 18 years <= today()", [True]),
    ("1 'mg' + 2 'mg' = 3 'mg'", [True]),
    ("{} + 1 year", []),
    # conversion
    ("'1'.toInteger() | '1.5'.toDecimal() | 1.toString()", [1, Decimal("1.5"), "1"]),
    ("'true'.toBoolean() and 'N'.toBoolean().not()", [True]),
    ("'1.0'.convertsToInteger()", [False]),
    ("'2020-02-30'.convertsToDate()", [False]),
    ("'2020-02-03T10:00:00Z'.toDate()", ["2020-02-03"]),
    ("'10:00'.toTime()", ["10:00"]),
    ("'4 days'.toQuantity() = 4 days", [True]),
    ("active.toString()", ["true"]),
    # other
    ("iif(active, 'yes', 'no')", ["yes"]),
    ("nothing.iif(empty(), 'none', 'some')", ["none"]),
    ("iif(false, 1)", []),
    ("%ucum | %sct | %loinc", ["http://unitsofmeasure.org", "http://snomed.info/sct", "http://loinc.org"]),
    ("%`vs-gender`", ["http://hl7.org/fhir/ValueSet/gender"]),
    ("%`ext-x`", ["http://hl7.org/fhir/StructureDefinition/x"]),
    ("%resource.id | %rootResource.id | %context.id", ["p1"]),
    ("now() = now() and today() <= today()", [True]),
]


@pytest.mark.parametrize(("operator", "left", "right", "expected"), LOGIC)
def test_three_valued_logic(operator: str, left: str, right: str, expected: bool | None) -> None:
    result = compile_expression(f"{left} {operator} {right}").evaluate({})
    assert result == ([] if expected is None else [expected])


@pytest.mark.parametrize(("expression", "expected"), TABLE)
def test_what_an_expression_gives(expression: str, expected: list[Any]) -> None:
    compiled = compile_expression(expression)
    assert compiled.native
    result = compiled.evaluate(PATIENT)
    assert result == expected
    assert [type(item) for item in result] == [type(item) for item in expected]


@pytest.mark.parametrize(
    ("expression", "message"),
    [
        ("name.given and true", "at most one item but found 3"),
        ("name.given > 'a'", "at most one"),
        ("'a' < 1", "different types"),
        ("1 + 'a'", "cannot be applied"),
        ("@2020 + 1 'a'", "cannot be added"),
        ("@T10:00 + 1 month", "cannot be added"),
        ("1000000000000000000000000000000.5.round(2)", "too large"),
        ("1.startsWith('a')", "expected a text"),
        ("'a'.matches('(')", "not a regular expression"),
        ("name.single()", "at most one"),
        ("%nowhere", "%nowhere has no value"),
        ("active.memberOf('http://a.example/vs')", "no terminology"),
        ("contained.conformsTo('http://a.example/p')", "no validator"),
        ("contact.name is HumanName", "were not given"),
        ("first(1)", "given 1 arguments"),
        ("is(1 + 1)", "name of a type"),
        ("noSuchFunction()", "noSuchFunction"),
        (" ", "empty"),
    ],
)
def test_what_cannot_be_evaluated_says_why(expression: str, message: str) -> None:
    with pytest.raises(FHIRPathError, match=message.replace("(", r"\(")):
        compile_expression(expression).evaluate(PATIENT)


@pytest.mark.parametrize(
    ("expression", "holds"),
    [
        ("active", True),
        ("deceased", False),
        ("birthDate", True),  # a single item that is not boolean
        ("nothing", False),  # nothing was met
        ("nothing = 1", False),
        ("1 year + 1 year = 2 years", True),
    ],
)
def test_a_condition_holds_only_if_it_is_met(expression: str, holds: bool) -> None:
    assert compile_expression(expression).test(PATIENT) is holds


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("2.power(3)", [8]),
        ("extension('x').empty() and 4.sqrt() = 2", [True]),
    ],
)
def test_what_is_not_native_goes_to_fhirpathpy(expression: str, expected: list[Any]) -> None:
    compiled = compile_expression(expression)
    assert not compiled.native
    assert compiled.evaluate(PATIENT) == expected


def test_the_environment_answers_what_only_the_caller_knows() -> None:
    shown: list[tuple[str, list[Any]]] = []
    environment = Environment(
        variables={"wanted": ["usual", "old"]},
        resolve=lambda reference: {"resourceType": "Practitioner", "id": reference},
        member_of=lambda value, url: {"male": False, True: True}.get(value),
        conforms_to=lambda resource, url: resource["id"] == url,
        trace=lambda name, values: shown.append((name, values)),
        now=datetime(2024, 2, 29, 12, tzinfo=UTC),
    )

    def evaluate(expression: str) -> list[Any]:
        return compile_expression(expression).evaluate(PATIENT, environment)

    assert evaluate("name.where(use in %wanted).use") == ["usual"]
    assert evaluate("generalPractitioner.resolve().ofType(Practitioner).id") == ["Practitioner/1"]
    assert evaluate("active.memberOf('v')") == [True]
    assert evaluate("id.memberOf('v')") == []
    assert evaluate("contained.conformsTo('o1')") == [True]
    assert evaluate("id.trace('id').exists() and id.trace('twice', $this.active).exists()") == [True]
    assert shown == [("id", ["p1"]), ("twice", [True])]
    assert evaluate("today()") == ["2024-02-29"]
    assert evaluate("now()") == ["2024-02-29T12:00:00.000+00:00"]


def test_definitions_tell_the_types_that_json_does_not() -> None:
    environment = Environment(child_type=child_types(Definitions.embedded()))

    def evaluate(expression: str) -> list[Any]:
        return compile_expression(expression).evaluate(PATIENT, environment)

    assert evaluate("contact.name is HumanName") == [True]
    assert evaluate("contact is BackboneElement") == [True]
    assert evaluate("birthDate is date and (id is code).not()") == [True]
    assert evaluate("descendants().ofType(HumanName).family") == ["Martin", "Durand"]
    assert evaluate("generalPractitioner.first() is Reference") == [True]
    assert evaluate("(contact | contained | birthDate).type().name") == ["BackboneElement", "Organization", "date"]
    assert evaluate("birthDate is Element and birthDate is FHIR.Element and (1 is Element).not()") == [True]
    assert evaluate("birthDate is System.Element or $this is Element") == [False]
    assert evaluate("type()") == [{"namespace": "FHIR", "name": "Patient"}]
    assert evaluate("(1 + 1).type()") == [{"namespace": "System", "name": "Integer"}]
    assert compile_expression("active.type().name").evaluate(PATIENT) == ["boolean"]
    with pytest.raises(FHIRPathError, match="definitions that say the type"):
        compile_expression("contact.type()").evaluate(PATIENT)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("value = 1.5", [True]),
        ("$this = 1.5 'mg'", [True]),
        ("$this > 1 'mg'", [True]),
        ("$this > 1 'kg'", [False]),
        ("value.toString()", ["1.50"]),
        ("$this is Quantity", [True]),
        ("$this is Element", [True]),
    ],
)
def test_quantities_of_a_resource(expression: str, expected: list[Any]) -> None:
    assert compile_expression(expression).evaluate(QUANTITY, Environment(focus_type="Quantity")) == expected


@pytest.mark.parametrize(
    ("xhtml", "allowed"),
    [
        ('<div xmlns="http://www.w3.org/1999/xhtml"><p class="a">text</p></div>', True),
        ('<div xmlns="http://www.w3.org/1999/xhtml"><img src="#a" alt="b"/></div>', True),
        ('<div xmlns="http://www.w3.org/1999/xhtml"> </div>', False),
        ("<div>text</div>", False),
        ('<p xmlns="http://www.w3.org/1999/xhtml">text</p>', False),
        ('<div xmlns="http://www.w3.org/1999/xhtml"><script>x</script></div>', False),
        ('<div xmlns="http://www.w3.org/1999/xhtml" onclick="x">a</div>', False),
        ('<div xmlns="http://www.w3.org/1999/xhtml">a&nbsp;b</div>', False),
        ('<!DOCTYPE d [<!ENTITY a "b">]><div xmlns="http://www.w3.org/1999/xhtml">&a;</div>', False),
        ("no markup", False),
    ],
)
def test_html_checks(xhtml: str, allowed: bool) -> None:
    assert compile_expression("htmlChecks()").test(xhtml) is allowed


def test_missing_entries_of_arrays_keep_their_extensions() -> None:
    name = {"given": ["Anne", None], "_given": [None, {"extension": [{"url": "u", "valueCode": "masked"}]}]}
    assert compile_expression("given.count()").evaluate(name) == [2]
    assert compile_expression("given[1].extension.value").evaluate(name) == ["masked"]
    assert compile_expression("given").evaluate(name) == ["Anne"]


def test_a_resource_nested_without_end_is_refused() -> None:
    deep: dict[str, Any] = {"url": "u"}
    for _ in range(300):
        deep = {"url": "u", "extension": [deep]}
    with pytest.raises(FHIRPathError, match="nested"):
        compile_expression("descendants().count()").evaluate(deep)


def test_native_expressions_do_not_load_fhirpathpy() -> None:
    script = (
        "import sys; from harness.fhir.fhirpath import compile_expression as c; "
        "assert c('name.exists() and id').test({'id': 'a', 'name': 'b'}); "
        "sys.exit(any(name.startswith(('fhirpathpy', 'antlr4')) for name in sys.modules))"
    )
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0


def test_expressions_are_compiled_once() -> None:
    assert compile_expression("name.given") is compile_expression("name.given")


JSON_ITEMS = st.lists(
    st.one_of(st.booleans(), st.integers(-5, 5), st.sampled_from(["a", "b", "2020", "T"])), max_size=6
)


@given(JSON_ITEMS, JSON_ITEMS)
def test_laws_of_collections(left: list[Any], right: list[Any]) -> None:
    environment = Environment(variables={"a": left, "b": right})

    def evaluate(expression: str) -> list[Any]:
        return compile_expression(expression).evaluate({}, environment)

    assert evaluate("(%a | %b) ~ (%b | %a)") == [True]
    assert evaluate("%a.union(%b) = (%a | %b)") == evaluate("iif((%a | %b).exists(), true)")
    assert evaluate("(%a | %b).isDistinct()") == [True]
    assert evaluate("%a.combine(%b).count() = %a.count() + %b.count()") == [True]
    assert evaluate("%a.intersect(%b).subsetOf(%a) and %a.exclude(%b).intersect(%b).empty()") == [True]
    assert evaluate("%a.first().combine(%a.tail()) ~ %a") == [True]
