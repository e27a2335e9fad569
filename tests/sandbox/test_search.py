"""Search as search.html has it, row by row: a query and the matches that it must give."""

from typing import Any

import httpx
import pytest

LOINC, UCUM, SYSTEM = "http://loinc.org", "http://unitsofmeasure.org", "urn:test:id"


def observation(name: str, when: str, value: str, **more: Any) -> dict[str, Any]:
    return {
        "resourceType": "Observation",
        "id": name,
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "29463-7", "display": "Body weight"}], "text": "Poids à jeun"},
        "subject": {"reference": "Patient/anne"},
        "effectiveDateTime": when,
        "valueQuantity": {"value": float(value), "unit": "kg", "system": UCUM, "code": "kg"},
        **more,
    }


def pressure(code: str, value: int) -> dict[str, Any]:
    quantity = {"value": value, "unit": "mmHg", "system": UCUM, "code": "mm[Hg]"}
    return {"code": {"coding": [{"system": LOINC, "code": code}]}, "valueQuantity": quantity}


DATA: list[dict[str, Any]] = [
    {
        "resourceType": "Patient",
        "id": "anne",
        "active": True,
        "identifier": [
            {
                "type": {"coding": [{"system": "urn:types", "code": "INS-NIR-TEST"}], "text": "INS de test"},
                "system": SYSTEM,
                "value": "A-1",
            },
            {"value": "bare"},
        ],
        "name": [{"family": "Lefèvre-Œuf", "given": ["Anne", "Maëlle"]}],
        "gender": "female",
        "birthDate": "1980-02-29",
        "telecom": [{"system": "phone", "value": "0600000000"}, {"system": "email", "value": "a@example.org"}],
        "address": [{"city": "Brest", "postalCode": "29200"}],
    },
    {
        "resourceType": "Patient",
        "id": "bob",
        "identifier": [{"system": "urn:other", "value": "A-1"}],
        "name": [{"family": "Le Goff", "given": ["Bob"]}],
        "birthDate": "1990",
    },
    observation("w1", "2024-03-01T08:00:00+01:00", "70.0"),
    observation("w2", "2024-03-01T08:30:00Z", "71.5"),
    observation("w3", "2024-03-15", "72"),
    {
        **observation("w4", "2024-04-01T00:00:00Z", "80"),
        "subject": {"identifier": {"system": SYSTEM, "value": "A-1"}},
        "status": "amended",
    },
    {
        "resourceType": "Observation",
        "id": "bp",
        "status": "final",
        "code": {"coding": [{"system": LOINC, "code": "85354-9"}]},
        "subject": {"reference": "Patient/bob"},
        "effectivePeriod": {"start": "2024-03-10", "end": "2024-03-20"},
        "component": [
            {
                "code": {"coding": [{"system": LOINC, "code": "8480-6"}]},
                "valueQuantity": {"value": 120, "code": "mm[Hg]"},
            },
            {
                "code": {"coding": [{"system": LOINC, "code": "8462-4"}]},
                "valueQuantity": {"value": 80, "code": "mm[Hg]"},
            },
        ],
    },
    {
        "resourceType": "DocumentReference",
        "id": "d1",
        "status": "current",
        "masterIdentifier": {"system": "urn:ietf:rfc:3986", "value": "urn:oid:1.2.3"},
        "subject": {"reference": "Patient/anne"},
        "contained": [{"resourceType": "Practitioner", "id": "who", "name": [{"family": "Médecin"}]}],
        "author": [{"reference": "#who"}],
        "content": [{"attachment": {"contentType": "text/plain", "creation": "2024-05-01T10:00:00Z"}}],
        "context": {"period": {"start": "2024-01-01", "end": "2024-02-01"}},
        "extension": [
            {
                "url": "https://interop.esante.gouv.fr/ig/fhir/pdsm/StructureDefinition/pdsm-ext-is-archived",
                "valueBoolean": True,
            }
        ],
    },
]


@pytest.fixture(scope="module")
def searched(serving) -> httpx.Client:
    client = serving()
    for resource in DATA:
        answer = client.put(f"/{resource['resourceType']}/{resource['id']}", json=resource)
        assert answer.status_code == 201, answer.text
    return client


def matches(client: httpx.Client, query: str) -> set[str]:
    answer = client.get(f"/{query}", headers={"Prefer": "handling=strict"})
    assert answer.status_code == 200, answer.text
    bundle = answer.json()
    found = [entry for entry in bundle.get("entry", []) if entry["search"]["mode"] == "match"]
    assert bundle["total"] == len(found)
    return {entry["resource"]["id"] for entry in found}


WEIGHTS = "w1 w2 w3 w4"
ROWS = [
    # token
    ("Patient?identifier=A-1", "anne bob"),
    (f"Patient?identifier={SYSTEM}|A-1", "anne"),
    (f"Patient?identifier={SYSTEM}|a-1", "anne"),
    ("Patient?identifier=|bare", "anne"),
    ("Patient?identifier=|A-1", ""),
    (f"Patient?identifier={SYSTEM}|", "anne"),
    (f"Patient?identifier={SYSTEM}|nothing,urn:other|A-1", "bob"),
    ("Patient?identifier:of-type=urn:types|INS-NIR-TEST|A-1", "anne"),
    ("Patient?gender=female", "anne"),
    ("Patient?gender=http://hl7.org/fhir/administrative-gender|female", "anne"),
    ("Patient?gender=urn:wrong|female", ""),
    ("Patient?active=http://terminology.hl7.org/CodeSystem/special-values|true", "anne"),
    ("Patient?gender:not=female", "bob"),
    ("Patient?gender:missing=true", "bob"),
    ("Patient?gender:missing=false", "anne"),
    ("Patient?active=true", "anne"),
    ("Patient?phone=0600000000", "anne"),
    ("Patient?email=0600000000", ""),
    (f"Observation?code={LOINC}|29463-7", WEIGHTS),
    ("Observation?code=urn:else|29463-7", ""),
    (f"Observation?code={LOINC}|29463-7&status=amended", "w4"),
    ("Observation?code:text=jeun", WEIGHTS),
    ("Observation?code:not=29463-7", "bp"),
    ("Observation?status=amended,final&code=85354-9", "bp"),
    # string
    ("Patient?family=lefevre", "anne"),
    ("Patient?family=LEFÈVRE-OEUF", "anne"),
    ("Patient?family=œuf", ""),
    ("Patient?family:contains=oeuf", "anne"),
    ("Patient?family:exact=Lefèvre-Œuf", "anne"),
    ("Patient?family:exact=lefevre-oeuf", ""),
    ("Patient?family=le", "anne bob"),
    ("Patient?given=mae", "anne"),
    ("Patient?name=goff", ""),
    ("Patient?name=le goff", "bob"),
    ("Patient?address=292", "anne"),
    ("Patient?given=50%25", ""),
    # date
    ("Patient?birthdate=1980-02-29", "anne"),
    ("Patient?birthdate=1980-02", "anne"),
    ("Patient?birthdate=1990-05", ""),
    ("Patient?birthdate=ne1980", "bob"),
    ("Patient?birthdate=gt1980-02-29", "bob"),
    ("Patient?birthdate=sa1980-02-29", "bob"),
    ("Patient?birthdate=eb1990", "anne"),
    ("Patient?birthdate=le1980-02-29", "anne"),
    ("Patient?birthdate=lt1980-02-29", ""),
    ("Observation?date=2024-03-01&code=29463-7", "w1 w2"),
    ("Observation?date=2024-03-01T07:00:00Z", "w1"),
    ("Observation?date=gt2024-03-01T07:00:00Z&date=lt2024-03-02", "w2"),
    ("Observation?date=ge2024-03-01T07:00:00Z&date=lt2024-03-02", "w1 w2"),
    ("Observation?date=ge2024-03-01T08:00:00%2B01:00&date=le2024-03-01T08:30:00Z", "w1 w2"),
    ("Observation?date=2024-03", "w1 w2 w3 bp"),
    ("Observation?date=ge2024-03-18&code=85354-9", "bp"),
    ("Observation?date=lt2024-03-12&code=85354-9", "bp"),
    ("Observation?date=eb2024-03-20&code=85354-9", ""),
    ("Observation?date=gt2024-03-20", "w4"),
    ("DocumentReference?creation=ge2024-05-01", "d1"),
    ("DocumentReference?period=2024", "d1"),
    # quantity
    ("Observation?value-quantity=70.0", "w1"),
    ("Observation?value-quantity=72", "w3 w2"),
    ("Observation?value-quantity=72.0", "w3"),
    (f"Observation?value-quantity=gt71.5|{UCUM}|kg", "w3 w4"),
    (f"Observation?value-quantity=ge71.5|{UCUM}|kg", "w2 w3 w4"),
    ("Observation?value-quantity=le71.5||kg", "w1 w2"),
    (f"Observation?value-quantity=gt1|{UCUM}|g", ""),
    ("Observation?value-quantity=ap72", "w1 w2 w3"),
    # composite: both parts on the same element
    ("Observation?component-code-value-quantity=8480-6$gt100", "bp"),
    ("Observation?component-code-value-quantity=8462-4$gt100", ""),
    ("Observation?code-value-quantity=29463-7$lt71", "w1"),
    # reference
    ("Observation?subject=Patient/anne", "w1 w2 w3"),
    ("Observation?subject=anne", "w1 w2 w3"),
    ("Observation?subject:Patient=anne", "w1 w2 w3"),
    ("Observation?subject:Device=anne", ""),
    ("Observation?patient=bob", "bp"),
    (f"Observation?subject:identifier={SYSTEM}|A-1", "w4"),
    # chains
    (f"Observation?subject:Patient.identifier={SYSTEM}|A-1", WEIGHTS),
    (f"Observation?subject.identifier={SYSTEM}|A-1", WEIGHTS),
    (f"Observation?patient.identifier={SYSTEM}|A-1", WEIGHTS),
    ("Observation?patient.identifier=urn:other|A-1", "bp"),
    ("Observation?subject:Patient.name=bob", "bp"),
    ("DocumentReference?author:Practitioner.family=medecin", "d1"),
    ("Patient?_has:Observation:patient:code=85354-9", "bob"),
    ("Patient?_has:Observation:patient:patient.family=goff", ""),
    ("Patient?_has:Observation:patient:patient.given=bob", "bob"),
    ("Observation?has-member:Observation.subject:Patient.organization.partof.name=x", ""),
    ("Slot?schedule.actor:HealthcareService.organization.name=x", ""),
    # PDSm
    ("DocumentReference?isArchived=true", "d1"),
    ("DocumentReference?isArchived=false", ""),
    ("DocumentReference?identifier=urn:ietf:rfc:3986|urn:oid:1.2.3", "d1"),
    # all resources
    ("Observation?_id=w1,w2", "w1 w2"),
    ("Observation?_lastUpdated=gt2020&_id=bp", "bp"),
    ("Observation?_lastUpdated=lt2020", ""),
]


@pytest.mark.parametrize(("query", "expected"), ROWS)
def test_matches(searched: httpx.Client, query: str, expected: str) -> None:
    assert matches(searched, query) == set(expected.split())


@pytest.mark.parametrize(
    "query",
    [
        "Observation?date=yesterday",
        "Observation?date=2024-13",
        "Observation?date=ge",
        "Observation?value-quantity=much",
        "Observation?_count=-1",
        "Observation?_count=many",
        "Observation?_sort=nothing",
        "Observation?_summary=short",
        "Observation?_cursor=made-up",
        "Observation?_include=Observation:nothing",
        "Observation?_include=Observation:code",
        "Observation?code:above=1",
        "Observation?code:missing=maybe",
        "Observation?code.name=x",
        "Observation?_has:Patient=x",
        "Patient?identifier=|",
        "Patient?given=" + ",".join("x" * 500),
        "Observation?subject" + ".link" * 6 + "=x",
        "Patient?" + "&".join(["given=x"] * 70),
    ],
)
def test_what_is_wrong_is_refused(searched: httpx.Client, query: str) -> None:
    answer = searched.get(f"/{query}")
    assert answer.status_code == 400
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_an_unknown_parameter_is_told_or_refused(searched: httpx.Client) -> None:
    lenient = searched.get("/Patient?colour=blue&gender=female").json()
    assert lenient["total"] == 1
    assert "colour" not in lenient["link"][0]["url"]
    outcome = lenient["entry"][-1]
    assert (outcome["search"]["mode"], outcome["resource"]["issue"][0]["severity"]) == ("outcome", "warning")
    strict = searched.get("/Patient?colour=blue", headers={"Prefer": "handling=strict"})
    assert strict.status_code == 400


def test_post_search_is_the_same_as_get(searched: httpx.Client) -> None:
    media = {"Content-Type": "application/x-www-form-urlencoded"}
    posted = searched.post("/Observation/_search", content="date=ge2024-03-15&code=29463-7", headers=media)
    assert posted.status_code == 200
    assert {entry["resource"]["id"] for entry in posted.json()["entry"]} == {"w3", "w4"}
    assert searched.post("/Observation/_search", json={}).status_code == 415


@pytest.mark.parametrize("sort", ["", "date", "-date", "-value-quantity,_id", "status,-date", "_lastUpdated"])
@pytest.mark.parametrize("count", [1, 2, 3])
def test_paging_gives_every_match_once_and_in_order(searched: httpx.Client, sort: str, count: int) -> None:
    whole = searched.get("/Observation", params={"_sort": sort}).json()
    expected = [entry["resource"]["id"] for entry in whole["entry"] if entry["search"]["mode"] == "match"]
    url: str | None = f"{searched.base_url}Observation?_count={count}" + (f"&_sort={sort}" if sort else "")
    seen: list[str] = []
    while url:
        page = searched.get(url).json()
        assert page["total"] == 5
        seen += [entry["resource"]["id"] for entry in page["entry"]]
        url = next((link["url"] for link in page["link"] if link["relation"] == "next"), None)
        assert len(seen) <= 5
    assert seen == expected


def test_paging_is_not_disturbed_by_what_is_written_meanwhile(serving) -> None:
    client = serving()
    for number in range(4):
        client.put(f"/Patient/p{number}", json={"resourceType": "Patient", "id": f"p{number}"})
    first = client.get("/Patient?_count=2").json()
    client.put("/Patient/late", json={"resourceType": "Patient", "id": "late"})
    client.delete("/Patient/p0")
    second = client.get(first["link"][1]["url"]).json()
    assert [entry["resource"]["id"] for entry in first["entry"] + second["entry"]] == ["p0", "p1", "p2", "p3"]
    assert second["total"] == 4


def test_sort_puts_the_newest_first(searched: httpx.Client) -> None:
    found = searched.get("/Observation?code=29463-7&_sort=-date&_count=1").json()
    assert [entry["resource"]["id"] for entry in found["entry"]] == ["w4"]


def test_includes_come_once_and_do_not_count(searched: httpx.Client) -> None:
    found = searched.get("/Observation?_include=Observation:subject&_count=3").json()
    modes = [(entry["resource"]["id"], entry["search"]["mode"]) for entry in found["entry"]]
    assert modes.count(("anne", "include")) == 1
    assert sum(mode == "match" for _, mode in modes) == 3
    assert found["total"] == 5
    back = searched.get("/Patient?_id=bob&_revinclude=Observation:subject").json()
    assert [(entry["resource"]["id"], entry["search"]["mode"]) for entry in back["entry"]] == [
        ("bob", "match"),
        ("bp", "include"),
    ]


def test_summary_count_and_elements(searched: httpx.Client) -> None:
    count = searched.get("/Observation?_summary=count").json()
    assert (count["total"], "entry" in count) == (5, False)
    assert "entry" not in searched.get("/Observation?_count=0").json()
    short = searched.get("/Patient?_id=anne&_elements=gender").json()["entry"][0]["resource"]
    assert set(short) == {"resourceType", "id", "meta", "gender"}
    assert short["meta"]["tag"][0]["code"] == "SUBSETTED"


def test_nothing_found_is_an_empty_searchset(searched: httpx.Client) -> None:
    found = searched.get("/Patient?family=nobody")
    assert found.status_code == 200
    assert (found.json()["type"], found.json()["total"], "entry" in found.json()) == ("searchset", 0, False)


def test_an_index_follows_updates_and_deletes(lenient: httpx.Client) -> None:
    person = {"resourceType": "Patient", "id": "mover", "name": [{"family": "Avantcelui"}]}
    lenient.put("/Patient/mover", json=person)
    lenient.put("/Patient/mover", json={**person, "name": [{"family": "Aprescelui"}]})
    assert matches(lenient, "Patient?family=avantcelui") == set()
    assert matches(lenient, "Patient?family=aprescelui") == {"mover"}
    lenient.delete("/Patient/mover")
    assert matches(lenient, "Patient?family=aprescelui") == set()


def test_composites_with_references(serving) -> None:
    """``DocumentReference.relationship``: a target and how it is related, on the same element."""
    client = serving()
    attachment = {"attachment": {"contentType": "text/plain", "url": "http://example.org/d"}}
    related = [
        {"code": "appends", "target": {"reference": "DocumentReference/a"}},
        {"code": "signs", "target": {"reference": "DocumentReference/b"}},
    ]
    for id_, relations in (("a", []), ("b", []), ("c", related)):
        record = {"resourceType": "DocumentReference", "id": id_, "status": "current", "content": [attachment]}
        answer = client.put(
            f"/DocumentReference/{id_}", json={**record, **({"relatesTo": relations} if relations else {})}
        )
        assert answer.status_code == 201, answer.text
    found = {
        value: matches(client, f"DocumentReference?relationship={value}")
        for value in (
            "DocumentReference/a$appends",
            "a$appends",
            "DocumentReference/a$signs",
            "DocumentReference/b$signs",
        )
    }
    assert found == {
        "DocumentReference/a$appends": {"c"},
        "a$appends": {"c"},
        "DocumentReference/a$signs": set(),
        "DocumentReference/b$signs": {"c"},
    }
