"""Terminology: membership in value sets, from local definitions."""

from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.fhir.code_rules import LANGUAGES, MEDIA_TYPES, UCUM, is_code, is_ucum
from harness.fhir.definitions import Definitions
from harness.fhir.extents import Listed, Open, Unknown, all_of, any_of, without
from harness.fhir.terminology import Terminology, Verdict

IN, NOT_IN, UNDECIDED = Verdict.IN, Verdict.NOT_IN, Verdict.UNDECIDED
CORE = "http://hl7.org/fhir/ValueSet/"
SYSTEM = "http://x/cs"
ANIMALS: dict[str, Any] = {
    "resourceType": "CodeSystem",
    "url": SYSTEM,
    "version": "1",
    "content": "complete",
    "caseSensitive": True,
    "property": [{"code": "legs", "type": "integer"}, {"code": "pet", "type": "boolean"}],
    "concept": [
        {
            "code": "animal",
            "display": "Animal",
            "concept": [
                {"code": "dog", "display": "Dog",
                 "property": [{"code": "legs", "valueInteger": 4}, {"code": "pet", "valueBoolean": True}]},
                {"code": "bird", "display": "Bird", "property": [{"code": "legs", "valueInteger": 2}],
                 "concept": [{"code": "owl", "designation": [{"language": "fr", "value": "Chouette"}]}]},
            ],
        },
        {"code": "plant", "property": [{"code": "child", "valueCode": "rose"}]},
        {"code": "rose", "display": "Rose"},
    ],
}  # fmt: skip


@pytest.fixture
def definitions() -> Definitions:
    made = Definitions.embedded()
    made.add(ANIMALS)
    return made


def value_set(name: str, include: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    compose = {"include": include, **({"exclude": more.pop("exclude")} if "exclude" in more else {})}
    return {"resourceType": "ValueSet", "url": f"http://x/vs/{name}", "compose": compose, **more}


def kept(definitions: Definitions, include: list[dict[str, Any]], **more: Any) -> set[str] | None:
    definitions.add(value_set("v", include, **more))
    codes = Terminology(definitions).codes("http://x/vs/v")
    return None if codes is None else {c.code for c in codes}


def on(prop: str, op: str, value: str) -> list[dict[str, Any]]:
    return [{"system": SYSTEM, "filter": [{"property": prop, "op": op, "value": value}]}]


@pytest.mark.parametrize(
    ("include", "codes"),
    [
        ([{"system": SYSTEM}], "animal dog bird owl plant rose"),
        ([{"system": SYSTEM, "concept": [{"code": "dog"}, {"code": "owl"}]}], "dog owl"),
        (on("concept", "is-a", "bird"), "bird owl"),
        (on("concept", "descendent-of", "animal"), "dog bird owl"),
        (on("concept", "is-not-a", "animal"), "plant rose"),
        (on("concept", "generalizes", "owl"), "owl bird animal"),
        (on("concept", "is-a", "plant"), "plant rose"),
        (on("code", "regex", "[a-d].*"), "animal bird dog"),
        (on("code", "in", "dog,rose,stone"), "dog rose"),
        (on("concept", "not-in", "dog,rose"), "animal bird owl plant"),
        (on("legs", "=", "4"), "dog"),
        (on("pet", "=", "true"), "dog"),
        (on("legs", "in", "2,4"), "dog bird"),
        (on("legs", "exists", "true"), "dog bird"),
        (on("legs", "exists", "false"), "animal owl plant rose"),
        (on("parent", "=", "animal"), "dog bird"),
        (on("display", "=", "Rose"), "rose"),
        ([*on("legs", "=", "4"), *on("legs", "=", "2")], "dog bird"),
    ],
)
def test_composition(definitions: Definitions, include: list[dict[str, Any]], codes: str) -> None:
    assert kept(definitions, include) == set(codes.split())


@pytest.mark.parametrize("include", [on("smell", "=", "bad"), on("code", "regex", "("), on("code", "like", "dog")])
def test_filter_that_cannot_be_applied_is_undecided(definitions: Definitions, include: list[dict[str, Any]]) -> None:
    assert kept(definitions, include) is None
    answer = Terminology(definitions).member("http://x/vs/v", SYSTEM, "dog")
    assert answer.verdict is UNDECIDED
    assert "cannot be applied here" in answer.reason
    assert Terminology(definitions).member("http://x/vs/v", "http://other", "dog").verdict is NOT_IN


def test_exclusion_and_nested_value_sets(definitions: Definitions) -> None:
    definitions.add({**value_set("pets", on("pet", "=", "true"))})
    assert kept(definitions, [{"valueSet": ["http://x/vs/pets"]}]) == {"dog"}
    assert kept(definitions, [{"system": SYSTEM}], exclude=[{"valueSet": ["http://x/vs/pets"]}]) == {
        "animal", "bird", "owl", "plant", "rose",
    }  # fmt: skip
    assert kept(definitions, [{"system": SYSTEM, "valueSet": ["http://x/vs/pets"]}]) == {"dog"}
    assert kept(definitions, [{"valueSet": ["http://x/vs/v"]}]) is None


def test_supplement_adds_displays_and_properties(definitions: Definitions) -> None:
    definitions.add(
        {
            "resourceType": "CodeSystem", "url": "http://x/more", "content": "supplement", "supplements": SYSTEM,
            "concept": [{"code": "dog", "display": "Chien", "property": [{"code": "sound", "valueString": "wouf"}]}],
        }
    )  # fmt: skip
    terminology = Terminology(definitions)
    assert terminology.lookup(SYSTEM, "dog").designations == ("Chien",)
    assert kept(definitions, on("sound", "=", "wouf")) == {"dog"}


@pytest.mark.parametrize("content", ["fragment", "example", "not-present"])
def test_list_that_is_not_whole_leaves_other_codes_undecided(definitions: Definitions, content: str) -> None:
    definitions.add({**ANIMALS, "content": content, "concept": [] if content == "not-present" else ANIMALS["concept"]})
    definitions.add(value_set("v", [{"system": SYSTEM}]))
    terminology = Terminology(definitions)
    known = terminology.member("http://x/vs/v", SYSTEM, "dog").verdict
    assert known is (UNDECIDED if content == "not-present" else IN)
    assert terminology.member("http://x/vs/v", SYSTEM, "cat").verdict is UNDECIDED
    assert terminology.member("http://x/vs/v", None, "cat").verdict is UNDECIDED
    assert terminology.member("http://x/vs/v", "http://other", "dog").verdict is NOT_IN
    assert terminology.codes("http://x/vs/v") is None
    assert terminology.exists(SYSTEM, "cat") is UNDECIDED


def test_list_shorter_than_its_count_is_not_whole(definitions: Definitions) -> None:
    definitions.add({**ANIMALS, "count": 7})
    assert Terminology(definitions).exists(SYSTEM, "cat") is UNDECIDED
    definitions.add({**ANIMALS, "count": 6})
    assert Terminology(definitions).exists(SYSTEM, "cat") is NOT_IN


def test_expansion_is_used_when_it_is_whole(definitions: Definitions) -> None:
    contains = [{"system": SYSTEM, "code": "dog", "contains": [{"system": SYSTEM, "code": "puppy"}]}]
    whole = {"resourceType": "ValueSet", "url": "http://x/vs/e", "expansion": {"contains": contains}}
    part = {**whole, "url": "http://x/vs/part", "expansion": {"contains": contains, "total": 9}}
    mark = {"url": "http://hl7.org/fhir/StructureDefinition/valueset-unclosed", "valueBoolean": True}
    unclosed = {**whole, "url": "http://x/vs/open", "expansion": {"contains": contains, "extension": [mark]}}
    for resource in (whole, part, unclosed):
        definitions.add(resource)
    terminology = Terminology(definitions)
    assert terminology.member("http://x/vs/e", SYSTEM, "puppy").verdict is IN
    assert terminology.member("http://x/vs/e", SYSTEM, "cat").verdict is NOT_IN
    for name in ("part", "open"):
        assert terminology.member(f"http://x/vs/{name}", SYSTEM, "puppy").verdict is IN
        assert terminology.member(f"http://x/vs/{name}", SYSTEM, "cat").verdict is UNDECIDED


def test_unknown_value_set_is_undecided(definitions: Definitions) -> None:
    answer = Terminology(definitions).member("http://x/vs/none", SYSTEM, "dog")
    assert answer.verdict is UNDECIDED
    assert "http://x/vs/none is not known" in answer.reason


def test_displays_are_compared(definitions: Definitions) -> None:
    definitions.add(
        value_set("v", [{"system": SYSTEM}, {"system": "http://y", "concept": [{"code": "a", "display": "A1"}]}])
    )
    terminology = Terminology(definitions)
    assert terminology.member("http://x/vs/v", SYSTEM, "dog", "  dog ").display_agrees is True
    assert terminology.member("http://x/vs/v", SYSTEM, "dog", "Cat").display_agrees is False
    assert terminology.member("http://x/vs/v", SYSTEM, "dog", "Cat").display == "Dog"
    assert terminology.member("http://x/vs/v", SYSTEM, "plant", "Tree").display_agrees is None
    assert terminology.member("http://x/vs/v", "http://y", "a").display == "A1"
    assert terminology.lookup(SYSTEM, "cat") is None


def test_case_follows_the_code_system(definitions: Definitions) -> None:
    definitions.add(value_set("v", [{"system": SYSTEM}]))
    terminology = Terminology(definitions)
    assert terminology.member("http://x/vs/v", SYSTEM, "DOG").verdict is NOT_IN
    definitions.add({**ANIMALS, "caseSensitive": False})
    assert terminology.member("http://x/vs/v", SYSTEM, "DOG").verdict is IN
    assert terminology.lookup(SYSTEM, "DOG").code == "dog"


def test_other_version_leaves_unknown_codes_undecided(definitions: Definitions) -> None:
    definitions.add(value_set("v", [{"system": SYSTEM, "version": "2"}]))
    terminology = Terminology(definitions)
    assert terminology.member("http://x/vs/v", SYSTEM, "dog").verdict is IN
    assert terminology.member("http://x/vs/v", SYSTEM, "cat").verdict is UNDECIDED
    definitions.add(value_set("w", [{"system": SYSTEM}]))
    assert terminology.member("http://x/vs/w", SYSTEM, "cat", version="1").verdict is NOT_IN
    assert terminology.member("http://x/vs/w", SYSTEM, "cat", version="2").verdict is UNDECIDED


@pytest.mark.parametrize(
    ("name", "system", "code", "verdict"),
    [
        ("observation-status|4.0.1", None, "final", IN),
        ("observation-status|4.0.1", None, "finale", NOT_IN),
        ("observation-status|4.0.1", "http://hl7.org/fhir/observation-status", "final", IN),
        ("observation-status|4.0.1", "http://other", "final", NOT_IN),
        ("mimetypes|4.0.1", None, "application/pdf", IN),
        ("mimetypes|4.0.1", None, "text/plain; charset=utf-8", IN),
        ("mimetypes|4.0.1", None, "pdf", NOT_IN),
        ("languages", None, "fr-FR", IN),
        ("all-languages|4.0.1", None, "fr-CA", IN),
        ("all-languages|4.0.1", None, "french", NOT_IN),
        ("all-languages|4.0.1", None, "gsw", UNDECIDED),
        ("ucum-units|4.0.1", None, "mm[Hg]", IN),
        ("ucum-units|4.0.1", None, "mmHg", NOT_IN),
        ("currencies|4.0.1", None, "EUR", IN),
        ("currencies|4.0.1", None, "EURO", NOT_IN),
        ("iso3166-1-3", "urn:iso:std:iso:3166", "FRA", IN),
        ("iso3166-1-3", "urn:iso:std:iso:3166", "FR", NOT_IN),
        ("timezones|4.0.1", None, "Europe/Paris", IN),
        ("timezones|4.0.1", None, "Europe/Lutetia", NOT_IN),
        ("body-site", "http://snomed.info/sct", "38266002", UNDECIDED),
        ("body-site", "http://loinc.org", "38266002", NOT_IN),
    ],
)
def test_value_sets_of_the_core(name: str, system: str | None, code: str, verdict: Verdict) -> None:
    assert Terminology(Definitions.embedded()).member(CORE + name, system, code).verdict is verdict


def test_hierarchy_of_v3(definitions: Definitions) -> None:
    encounters = {
        c.code: c.display
        for c in Terminology(definitions).codes("http://terminology.hl7.org/ValueSet/v3-ActEncounterCode")
    }
    assert encounters["AMB"] == "ambulatory"
    assert "ACALC" not in encounters


def test_units_in_use_are_units(definitions: Definitions) -> None:
    include = definitions.value_set(CORE + "ucum-common")["compose"]["include"]
    codes = [c["code"] for part in include for c in part["concept"]]
    assert len(codes) > 1300
    assert [c for c in codes if not is_ucum(c)] == []


@pytest.mark.parametrize(
    "code", ["kg", "/min", "1/(24.h)", "1", "{score}", "10*9/L", "u[IU]/mL", "L/(min.m2)", "[degF]", "10*-6", "m.s-2"]
)
def test_unit(code: str) -> None:
    assert is_ucum(code)


@pytest.mark.parametrize(
    "code", ["", "Kg", "kilos", "lb", "kg ", "k g", "/", ".", "m//s", "(m", "m)", "a{b", "bpm", "°C", "mmHg"]
)
def test_no_unit(code: str) -> None:
    assert not is_ucum(code)


@given(st.text(max_size=12))
def test_any_text_gets_an_answer(text: str) -> None:
    for system in (UCUM, LANGUAGES, MEDIA_TYPES, "http://x"):
        assert is_code(system, text) in (True, False, None)


KEYS = st.tuples(st.just("s"), st.sampled_from("abcd"))
LISTS = st.frozensets(KEYS).map(Listed)
EXTENTS = st.one_of(LISTS, st.just(Unknown("why")), LISTS.map(lambda known: Open("s", known, "why")))
RANK = {NOT_IN: 0, UNDECIDED: 1, IN: 2}


@given(EXTENTS, EXTENTS, KEYS)
def test_sets_follow_the_logic_of_three_values(one: Any, other: Any, key: tuple[str, str]) -> None:
    first, second = (RANK[e.judge(*key)[0]] for e in (one, other))
    assert RANK[any_of([one, other]).judge(*key)[0]] == max(first, second)
    assert RANK[all_of([one, other]).judge(*key)[0]] == min(first, second)
    assert RANK[without(one, other).judge(*key)[0]] == min(first, 2 - second)


@pytest.mark.parametrize(
    ("system", "code", "display", "version", "verdict", "agrees"),
    [
        (SYSTEM, "dog", "Dog", None, IN, True),
        (SYSTEM, "owl", "chouette", None, IN, True),
        (SYSTEM, "dog", "Cat", None, IN, False),
        (SYSTEM, "cat", None, None, NOT_IN, None),
        (SYSTEM, "cat", None, "1", NOT_IN, None),
        (SYSTEM, "cat", None, "2", UNDECIDED, None),
        (SYSTEM, "dog", None, "2", IN, None),
        (UCUM, "kg", "kilogram", None, IN, None),
        (UCUM, "kilo", None, None, NOT_IN, None),
        ("http://x/unknown", "a", "A", None, UNDECIDED, None),
    ],
)
def test_coding_is_looked_up_in_its_system(
    definitions: Definitions,
    system: str,
    code: str,
    display: str | None,
    version: str | None,
    verdict: Verdict,
    agrees: bool | None,
) -> None:
    answer = Terminology(definitions).coding(system, code, display, version)
    assert (answer.verdict, answer.display_agrees) == (verdict, agrees)


def test_supplement_of_a_version_adds_no_codes(definitions: Definitions) -> None:
    definitions.add(
        {
            "resourceType": "CodeSystem", "url": "http://x/more", "content": "supplement", "supplements": SYSTEM + "|1",
            "concept": [{"code": "cat", "display": "Cat"}, {"code": "rose", "designation": [{"value": "Rosa"}]}],
        }
    )  # fmt: skip
    terminology = Terminology(definitions)
    assert terminology.exists(SYSTEM, "cat") is NOT_IN
    assert terminology.coding(SYSTEM, "rose", "rosa").display_agrees


def test_pinned_version_of_a_value_set_is_the_one_that_judges(definitions: Definitions) -> None:
    for version, code in (("1", "dog"), ("2", "owl")):
        definitions.add({**value_set("pinned", [{"system": SYSTEM, "concept": [{"code": code}]}]), "version": version})
    terminology = Terminology(definitions)
    assert terminology.member("http://x/vs/pinned|1", SYSTEM, "dog").verdict is IN
    assert terminology.member("http://x/vs/pinned|2", SYSTEM, "dog").verdict is NOT_IN
    assert terminology.member("http://x/vs/pinned", SYSTEM, "owl").verdict is IN, "the highest one without a version"


def test_pinned_version_of_a_code_system_that_is_not_here_leaves_others_undecided(definitions: Definitions) -> None:
    definitions.add(value_set("later", [{"system": SYSTEM, "version": "9"}]))
    terminology = Terminology(definitions)
    assert terminology.member("http://x/vs/later", SYSTEM, "dog").verdict is IN
    assert terminology.member("http://x/vs/later", SYSTEM, "cat").verdict is UNDECIDED


STATES = "https://example.test/CodeSystem/states"


def _states(**facets: Any) -> dict[str, Any]:
    return {
        "resourceType": "CodeSystem",
        "url": STATES,
        "version": "1",
        "content": "complete",
        "property": [{"code": "gone", "uri": "http://hl7.org/fhir/concept-properties#inactive", "type": "boolean"}],
        "concept": [
            {"code": "a", "concept": [{"code": "a1"}, {"code": "a2"}]},
            {"code": "b", "property": [{"code": "gone", "valueBoolean": True}]},
            {"code": "c", "property": [{"code": "status", "valueCode": "retired"}]},
        ],
        **facets,
    }


def _answers(resources: Iterable[dict[str, Any]], codes: str, **compose: Any) -> str:
    """The verdict on each of ``codes`` as one letter: in, not in, undecided."""
    definitions = Definitions.embedded()
    for resource in resources:
        definitions.add(resource)
    url = "https://example.test/ValueSet/made"
    definitions.add({"resourceType": "ValueSet", "url": url, "compose": compose})
    terminology = Terminology(definitions)
    letters = {Verdict.IN: "i", Verdict.NOT_IN: "n", Verdict.UNDECIDED: "u"}
    return "".join(letters[terminology.member(url, STATES, code).verdict] for code in codes.split())


@pytest.mark.parametrize(("inactive", "found"), [(None, "iii"), (True, "iii"), (False, "inn")])
def test_codes_out_of_use_are_left_out_where_the_value_set_says_so(inactive: bool | None, found: str) -> None:
    stated = {} if inactive is None else {"inactive": inactive}
    assert _answers([_states()], "a b c", include=[{"system": STATES}], **stated) == found
    listed = [{"code": code} for code in "abc"]
    assert _answers([_states()], "a b c", include=[{"system": STATES, "concept": listed}], **stated) == found


@pytest.mark.parametrize(
    ("op", "value", "found"), [("=", "a1", "inn"), ("exists", "false", "nii"), ("in", "a1,b", "inn")]
)
def test_the_hierarchy_is_a_property_both_ways(op: str, value: str, found: str) -> None:
    condition = {"property": "child", "op": op, "value": value}
    assert _answers([_states()], "a a1 b", include=[{"system": STATES, "filter": [condition]}]) == found


def test_no_filter_lets_in_what_is_no_code_of_the_system() -> None:
    condition = {"property": "colour", "op": "=", "value": "red"}
    assert _answers([_states()], "a zz", include=[{"system": STATES, "filter": [condition]}]) == "un"


def test_a_code_is_one_of_the_version_that_is_named() -> None:
    definitions = Definitions.embedded()
    for version, code in (("1", "old"), ("2", "new")):
        definitions.add(_states(version=version, concept=[{"code": code}]))
    terminology = Terminology(definitions)
    found = [terminology.coding(STATES, code, version=version).verdict for code in ("old", "new") for version in "12"]
    assert found == [Verdict.IN, Verdict.NOT_IN, Verdict.NOT_IN, Verdict.IN]
    assert terminology.coding(STATES, "old", version="3").verdict is Verdict.UNDECIDED
