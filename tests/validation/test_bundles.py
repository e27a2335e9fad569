"""Bundles: references, fullUrls, the rules of each type, and their cost."""

import time
from typing import Any

import pytest

from harness import Definitions, Validator
from tests.validation.profiles import BASE, element, errors, profile


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator(Definitions.embedded())


def entry(resource: dict[str, Any], url: str | None = None) -> dict[str, Any]:
    name = f"{resource['resourceType']}/{resource['id']}"
    return {"fullUrl": url or f"https://example.test/fhir/{name}", "resource": resource}


def observation(name: str, *sources: str) -> dict[str, Any]:
    references = [{"reference": source} for source in sources]
    resource: dict[str, Any] = {"resourceType": "Observation", "id": name, "status": "final", "code": {"text": "x"}}
    return {**resource, **({"derivedFrom": references} if references else {})}


def found(validator: Validator, kind: str, *entries: dict[str, Any], **more: Any) -> list[tuple[str, str]]:
    bundle = {"resourceType": "Bundle", "type": kind, **({"entry": list(entries)} if entries else {}), **more}
    return [(issue.rule, issue.expression) for issue in validator.validate(bundle).errors]


def test_full_urls(validator: Validator) -> None:
    good = entry(observation("a"))
    assert found(validator, "collection", good) == []
    assert found(validator, "collection", good, good) == [("bundle-full-url-duplicate", "Bundle")]
    assert found(validator, "collection", entry(observation("a"), "Observation/a")) == [
        ("bundle-full-url-relative", "Bundle.entry[0]")
    ]
    assert found(validator, "collection", entry(observation("a"), "https://example.test/fhir/Observation/b")) == [
        ("bundle-full-url-id", "Bundle.entry[0]")
    ]
    assert found(validator, "collection", {"resource": observation("a")}) == [
        ("bundle-full-url-missing", "Bundle.entry[0]")
    ]


def test_a_reference_is_resolved_against_the_base_of_its_entry(validator: Validator) -> None:
    patient = entry({"resourceType": "Patient", "id": "p"})
    right = entry(observation("a", "Observation/b"))
    assert found(validator, "collection", right, patient, entry(observation("b"))) == []
    wrong = entry(observation("a", "https://example.test/fhir/Patient/p"))
    assert found(validator, "collection", wrong, patient) == [
        ("reference-target-type", "Bundle.entry[0].resource.derivedFrom[0]")
    ]


def test_searchset(validator: Validator) -> None:
    link = [{"relation": "self", "url": "https://example.test/fhir/Patient?name=a"}]
    hit = {**entry({"resourceType": "Patient", "id": "p"}), "search": {"mode": "match"}}
    stray = {**entry(observation("a")), "search": {"mode": "match"}}
    beside = {**entry(observation("a")), "search": {"mode": "include"}}
    outcome = {**entry(observation("a")), "search": {"mode": "outcome"}}
    assert found(validator, "searchset", hit, beside, link=link) == []
    assert found(validator, "searchset", stray, link=link) == [("bundle-search-type", "Bundle.entry[0].resource")]
    assert found(validator, "searchset", outcome, link=link) == [("bundle-search-outcome", "Bundle.entry[0].resource")]


def test_the_outcome_of_a_search_needs_no_address(validator: Validator) -> None:
    issue = {"severity": "warning", "code": "not-supported", "diagnostics": "parameter colour was ignored"}
    outcome: dict[str, Any] = {"resource": {"resourceType": "OperationOutcome", "issue": [issue]}}
    missing = ("bundle-full-url-missing", "Bundle.entry[0]")
    assert found(validator, "searchset", {**outcome, "search": {"mode": "outcome"}}) == []
    assert missing in found(validator, "searchset", {**outcome, "search": {"mode": "match"}})
    assert missing in found(validator, "searchset", outcome)


def test_document_and_message_begin_with_their_head(validator: Validator) -> None:
    assert ("bundle-first-entry", "Bundle.entry[0].resource") in found(validator, "document", entry(observation("a")))
    assert ("bundle-empty", "Bundle") in found(validator, "message")


def test_target_profiles_are_followed_in_circles_and_long_chains() -> None:
    linked = profile(
        "linked",
        "Observation",
        element("Observation.derivedFrom", type=[{"code": "Reference", "targetProfile": [BASE + "linked"]}]),
        element("Observation.value[x]", min=1),
    )
    holder = profile("holder", "Bundle", element("Bundle.entry", min=1))

    def chain(length: int, last_has_value: bool) -> dict[str, Any]:
        entries = []
        for number in range(length):
            resource = observation(f"o{number}", f"Observation/o{(number + 1) % length}")
            resource["meta"] = {"profile": [BASE + "linked"]} if number == 0 else {"tag": [{"code": "x"}]}
            if number < length - 1 or last_has_value:
                resource["valueString"] = "x"
            entries.append(entry(resource))
        return {"resourceType": "Bundle", "type": "collection", "entry": entries}

    assert errors(chain(300, True), holder, linked) == []
    assert errors(chain(300, False), holder, linked) == [
        ("reference-target-profile", "Bundle.entry[0].resource.derivedFrom[0]")
    ]


def test_the_cost_of_an_entry_does_not_grow_with_the_bundle(validator: Validator) -> None:
    def seconds_an_entry(count: int) -> float:
        entries = [entry(observation(f"o{n}", f"Observation/o{n * 7 % count}")) for n in range(count)]
        bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
        best = float("inf")
        for _ in range(3):
            start = time.perf_counter()
            assert validator.validate(bundle).ok
            best = min(best, time.perf_counter() - start)
        return best / count

    assert seconds_an_entry(2000) < 4 * seconds_an_entry(100)


def test_a_self_link_that_is_no_address_says_nothing_of_what_was_searched(validator: Validator) -> None:
    match = {**entry(observation("a")), "search": {"mode": "match"}}
    assert found(validator, "searchset", match, link=[{"relation": "self", "url": "http://[::1"}]) == []
