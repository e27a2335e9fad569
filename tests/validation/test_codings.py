"""A coding is judged by its code system: the version that it names, supplements, letters' case, codes out of use."""

from typing import Any

import pytest

from harness import Definitions, Validator

SYSTEM = "https://example.test/CodeSystem/colours"


def code_system(version: str, *codes: str, **facets: Any) -> dict[str, Any]:
    return {
        "resourceType": "CodeSystem",
        "url": SYSTEM,
        "version": version,
        "status": "active",
        "content": "complete",
        "caseSensitive": True,
        "property": [{"code": "status", "uri": "http://hl7.org/fhir/concept-properties#status", "type": "code"}],
        "concept": [{"code": code, "display": code.title()} for code in codes],
        **facets,
    }


SUPPLEMENT = {
    "resourceType": "CodeSystem",
    "url": SYSTEM + "-fr",
    "status": "active",
    "content": "supplement",
    "supplements": SYSTEM,
    "concept": [{"code": "red", "designation": [{"language": "fr", "value": "Rouge"}]}],
}


def told(coding: dict[str, Any], *systems: dict[str, Any]) -> list[tuple[str, str]]:
    """(rule, what was expected) of all that is said about a coding of which no profile speaks."""
    definitions = Definitions.embedded()
    for system in systems:
        definitions.add(system)
    resource = {"resourceType": "Basic", "code": {"text": "x"}, "meta": {"tag": [{"system": SYSTEM, **coding}]}}
    outcome = Validator(definitions).validate(resource)
    return [(i.rule, i.expected or "") for i in outcome.issues if i.expression.startswith("Basic.meta")]


@pytest.mark.parametrize(
    ("coding", "found"),
    [
        ({"code": "red", "version": "1"}, []),
        ({"code": "red", "version": "2"}, [("code-unknown", f"{SYSTEM}|2")]),
        ({"code": "blue", "version": "1"}, [("code-unknown", f"{SYSTEM}|1")]),
        ({"code": "blue", "version": "2"}, []),
        ({"code": "blue"}, []),
        ({"code": "red"}, [("code-unknown", SYSTEM)]),
        ({"code": "red", "version": "3"}, [("code-undecided", "")]),
        ({"code": "red", "version": "1", "display": "Blue"}, [("display-wrong", "Red")]),
    ],
)
def test_the_version_that_a_coding_names_judges_it(coding: dict[str, Any], found: list[tuple[str, str]]) -> None:
    assert told(coding, code_system("1", "red"), code_system("2", "blue")) == found


@pytest.mark.parametrize("display", ["Red", "red", " RED ", "Rouge", "rouge"])
def test_a_supplement_gives_displays_that_will_do(display: str) -> None:
    assert ("display-wrong", "Red") not in told(
        {"code": "red", "display": display}, code_system("1", "red"), SUPPLEMENT
    )


def test_the_display_of_another_code_will_not_do() -> None:
    assert told({"code": "red", "display": "Vert"}, code_system("1", "red"), SUPPLEMENT) == [("display-wrong", "Red")]


@pytest.mark.parametrize(("sensitive", "found"), [(True, [("code-unknown", SYSTEM)]), (False, [])])
def test_case_is_what_the_code_system_makes_of_it(sensitive: bool, found: list[tuple[str, str]]) -> None:
    assert told({"code": "RED"}, code_system("1", "red", caseSensitive=sensitive)) == found


@pytest.mark.parametrize("version", [{}, {"version": "1"}])
def test_a_code_out_of_use_is_information(version: dict[str, str]) -> None:
    retired = {"code": "red", "property": [{"code": "status", "valueCode": "retired"}]}
    system = code_system("1", concept=[retired, {"code": "blue"}])
    assert told({"code": "red", **version}, system) == [("code-inactive", SYSTEM)]
    assert told({"code": "blue", **version}, system) == []
