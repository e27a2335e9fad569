"""Searching measures: the two modes, their parameter rules, paging, included devices."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from harness.sandbox.measures.lookup import understood
from harness.sandbox.policy import Policy
from harness.sandbox.problems import Problem

HEAD = "8287-5"
PERIOD = [("date", "ge2010-01-01"), ("date", "le2010-01-31")]
LAST = [("_sort", "-date"), ("_count", "1")]


def links(bundle: dict[str, Any]) -> dict[str, str]:
    return {item["relation"]: item["url"] for item in bundle["link"]}


def matches(bundle: dict[str, Any]) -> list[dict[str, Any]]:
    return [e["resource"] for e in bundle.get("entry", []) if e["search"]["mode"] == "match"]


def pages(api: Any, bundle: dict[str, Any], relation: str = "next") -> Iterator[dict[str, Any]]:
    yield bundle
    while relation in links(bundle):
        answer = api.follow(links(bundle)[relation])
        assert answer.status_code == 200
        bundle = answer.json()
        yield bundle


@pytest.fixture(scope="session")
def five(api):
    """Five head circumferences of January 2010, fed out of order, two by one device: once to each sandbox."""
    feed = api.bundle()
    device = next(e for e in feed["entry"] if e["resource"]["resourceType"] == "Device")
    fed = {}
    for day in (3, 1, 5, 2, 4):
        made = api.single("mes-headcircumference", effectiveDateTime=f"2010-01-0{day}T12:00:00+01:00")
        if day < 3:
            made["entry"][0]["resource"]["device"] = {"reference": f"Device/{device['resource']['id']}"}
            made["entry"].append(device)
        answer = api.post(made)
        assert answer.status_code == 200, answer.text
        fed[day] = answer.json()["entry"][0]["response"]["location"].removeprefix("Observation/")
    return fed


def base(api: Any) -> list[tuple[str, str]]:
    return [("code", HEAD), ("subject.identifier", api.token("default"))]


def test_all_pages_of_a_period(api, five):
    found = list(pages(api, api.get([*base(api), *PERIOD, ("_count", "2")]).json()))
    assert [len(matches(page)) for page in found] == [2, 2, 1]
    assert [page["total"] for page in found] == [5, 5, 5]
    assert {r["id"] for page in found for r in matches(page)} == set(five.values())
    assert ["previous" in links(page) for page in found] == [False, True, True]
    assert ["next" in links(page) for page in found] == [True, True, False]
    back = list(pages(api, found[-1], "previous"))
    assert [[r["id"] for r in matches(page)] for page in back] == [
        [r["id"] for r in matches(page)] for page in found[::-1]
    ]
    for page in found:
        for url in links(page).values():
            pairs = parse_qsl(urlsplit(url).query)
            assert [p for p in pairs if p[0] != "_offset"] == [*base(api), *PERIOD, ("_count", "2")]


def test_offset_counts_pages(api, five):
    sizes = []
    for number in range(4):
        page = api.get([*base(api), *PERIOD, ("_count", "2"), ("_offset", str(number))]).json()
        sizes.append(len(matches(page)))
    assert sizes == [2, 2, 1, 0]


def test_fifty_measures_a_page(api):
    for minute in range(51):
        made = api.single("mes-pain", "patient-b", effectiveDateTime=f"2011-01-01T10:{minute:02}:00Z")
        assert api.post(made, "patient-b").status_code == 200
    asked = [("code", "72514-3"), ("subject.identifier", api.token("patient-b"))]
    asked += [("date", "ge2011-01-01"), ("date", "le2011-01-01")]
    first = api.get(asked, "patient-b").json()
    assert (len(matches(first)), first["total"], "next" in links(first)) == (50, 51, True)
    whole = api.get([*asked, ("_count", "100")], "patient-b").json()
    assert (len(matches(whole)), "next" in links(whole)) == (51, False)


@pytest.mark.parametrize(
    ("bounds", "days"),
    [
        (("ge2010-01-02T11:00:00Z", "le2010-01-04T11:00:00Z"), {2, 3, 4}),
        (("gt2010-01-02T11:00:00Z", "lt2010-01-04T11:00:00Z"), {3}),
        (("gt2010-01-02T10:59:59Z", "le2010-01-03T12:00:00+01:00"), {2, 3}),
    ],
)
def test_bounds(api, five, bounds, days):
    found = api.get([*base(api), *(("date", bound) for bound in bounds)]).json()
    assert {r["id"] for r in matches(found)} == {five[day] for day in days}


def test_the_last_is_the_latest_not_the_last_fed(api, five):
    found = api.get([*base(api), *LAST]).json()
    assert [r["id"] for r in matches(found)] == [five[5]]
    assert found["total"] == 1
    assert set(links(found)) == {"self"}


def test_devices_come_along_once(api, five):
    found = api.get([*base(api), *PERIOD, ("_include", "Observation:device")]).json()
    devices = [e["resource"] for e in found["entry"] if e["search"]["mode"] == "include"]
    named = {r["device"]["reference"] for r in matches(found) if "device" in r}
    assert {f"Device/{d['id']}" for d in devices} == named
    assert (len(devices), found["total"], len(matches(found))) == (1, 5, 5)
    last = api.get([*base(api), *PERIOD, ("_include", "Observation:device"), ("_count", "2"), ("_offset", "2")]).json()
    assert [e["search"]["mode"] for e in last["entry"]] == ["match"]
    without = api.get([*base(api), *PERIOD]).json()
    assert {e["search"]["mode"] for e in without["entry"]} == {"match"}


def test_nothing_found_is_an_empty_searchset(api):
    for mode in ([("date", "ge1900-01-01"), ("date", "le1900-12-31")], LAST):
        asked = [("code", HEAD), ("subject.identifier", api.token("no-write-consent")), *mode]
        found = api.get(asked, "no-write-consent")
        assert (found.status_code, found.json()["total"]) == (200, 0)
        assert "entry" not in found.json()


WRONG = {
    "no-code": (["subject"], PERIOD, "code"),
    "no-patient": (["code"], PERIOD, "subject.identifier"),
    "bare-patient": (["code", "bare"], PERIOD, "subject.identifier"),
    "one-bound": (["code", "subject"], PERIOD[:1], "bound"),
    "two-lower-bounds": (["code", "subject"], [PERIOD[0], PERIOD[0]], "bound"),
    "exact-date": (["code", "subject"], [("date", "2010-01-01"), PERIOD[0]], "bound"),
    "not-a-date": (["code", "subject"], [("date", "geyesterday"), PERIOD[1]], "date"),
    "no-mode": (["code", "subject"], [], "search mode"),
    "oldest": (["code", "subject"], [("_sort", "date"), ("_count", "1")], "_count=1"),
    "last-two": (["code", "subject"], [("_sort", "-date"), ("_count", "2")], "-date"),
    "last-without-count": (["code", "subject"], [("_sort", "-date")], "_count"),
    "both-modes": (["code", "subject"], [*PERIOD, *LAST], "concurrently"),
    "offset-and-last": (["code", "subject"], [("_offset", "1"), *LAST], "concurrently"),
    "large-page": (["code", "subject"], [*PERIOD, ("_count", "101")], "page size"),
    "empty-page": (["code", "subject"], [*PERIOD, ("_count", "0")], "_count"),
    "count-as-text": (["code", "subject"], [*PERIOD, ("_count", "ten")], "_count"),
    "two-codes": (["code", "code", "subject"], PERIOD, "code"),
    "unknown-code": (["unknown", "subject"], PERIOD, "code"),
    "other-include": (["code", "subject"], [*PERIOD, ("_include", "Observation:subject")], "_include"),
}


@pytest.mark.parametrize("case", WRONG)
def test_wrong_search_is_refused(api, case):
    names, more, word = WRONG[case]
    token = api.token("default")
    known = {
        "code": ("code", HEAD),
        "unknown": ("code", "1-8"),
        "subject": ("subject.identifier", token),
        "bare": ("subject.identifier", token.partition("|")[2]),
    }
    answer = api.get([*(known[name] for name in names), *more])
    assert answer.status_code == 400
    assert answer.headers["Content-Type"].startswith("application/fhir+json")
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert outcome["issue"][0]["code"] in {"invalid", "value"}
    assert word in outcome["issue"][0]["diagnostics"]


def test_page_size_is_told(api):
    answer = api.get([*base(api), *PERIOD, ("_count", "101")])
    assert all(word in answer.json()["issue"][0]["diagnostics"] for word in ("page size", "100", "101"))


def test_unknown_parameter_is_left_out_and_told(api, five):
    found = api.get([*base(api), *PERIOD, ("patient", "Patient/1")]).json()
    assert found["total"] == 5
    assert "patient=" not in links(found)["self"]
    outcome = next(e for e in found["entry"] if e["search"]["mode"] == "outcome")
    assert "patient" in outcome["resource"]["issue"][0]["diagnostics"]
    strict = api.get([*base(api), *PERIOD, ("patient", "Patient/1")], Prefer="handling=strict")
    assert strict.status_code == 400


@pytest.mark.parametrize(("choice", "included"), [("ignored", False), ("accepted", True)])
def test_dotted_include_is_a_choice(choice, included):
    asked = [("code", HEAD), ("subject.identifier", "s|v"), *PERIOD, ("_include", "Observation.device")]
    assert understood(asked, Policy(dotted_include=choice)).include is included


def test_dotted_include_can_be_refused():
    asked = [("code", HEAD), ("subject.identifier", "s|v"), *PERIOD, ("_include", "Observation.device")]
    with pytest.raises(Problem, match="Observation:device"):
        understood(asked, Policy(dotted_include="refused"))


@pytest.mark.parametrize(("unit", "skipped"), [("page", 6), ("row", 3)])
def test_what_offset_counts_is_a_choice(unit, skipped):
    asked = [("code", HEAD), ("subject.identifier", "s|v"), *PERIOD, ("_count", "2"), ("_offset", "3")]
    assert understood(asked, Policy(offset_unit=unit)).skipped == skipped
