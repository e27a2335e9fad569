"""HTTP as http.html has it: statuses, headers, negotiation, errors."""

import httpx
import pytest

PATIENT = {"resourceType": "Patient", "name": [{"family": "Essai", "given": ["Zoé"]}]}


def created(client: httpx.Client, resource: dict) -> dict:
    answer = client.post(f"/{resource['resourceType']}", json=resource)
    assert answer.status_code == 201, answer.text
    return answer.json()


def is_outcome(answer: httpx.Response) -> bool:
    body = answer.json()
    media = answer.headers["content-type"].partition(";")[0]
    return media == "application/fhir+json" and body["resourceType"] == "OperationOutcome" and bool(body["issue"])


def test_create_assigns_identity_and_says_where(lenient: httpx.Client) -> None:
    sent = {
        **PATIENT,
        "id": "mine",
        "meta": {"versionId": "9", "lastUpdated": "1999-01-01T00:00:00Z", "source": "urn:x"},
    }
    answer = lenient.post("/Patient", json=sent)
    body = answer.json()
    assert answer.status_code == 201
    assert body["id"] != "mine"
    assert body["meta"]["versionId"] == "1"
    assert not body["meta"]["lastUpdated"].startswith("1999")
    assert body["meta"]["source"] == "urn:x"
    assert answer.headers["location"] == f"{lenient.base_url}Patient/{body['id']}/_history/1"
    assert answer.headers["etag"] == 'W/"1"'
    assert "last-modified" in answer.headers
    read = lenient.get(answer.headers["location"])
    assert (read.status_code, read.json()) == (200, body)


def test_json_comes_back_digit_for_digit(lenient: httpx.Client) -> None:
    text = (
        '{"resourceType":"Observation","status":"final","code":{"text":"é\\u00e9 \\"x\\""},'
        '"valueQuantity":{"value":71.00},"referenceRange":[{"low":{"value":-0.10},"high":{"value":12345678901234567.5}}]}'
    )
    made = lenient.post("/Observation", content=text)
    body = lenient.get(f"/Observation/{made.json()['id']}").text
    assert '"value":71.00' in body
    assert '"value":-0.10' in body
    assert '"value":12345678901234567.5' in body
    assert 'éé \\"x\\"' in body


def test_update_makes_versions_that_stay_readable(lenient: httpx.Client) -> None:
    first = created(lenient, PATIENT)
    place = f"/Patient/{first['id']}"
    second = lenient.put(place, json={**first, "gender": "female"})
    assert (second.status_code, second.headers["etag"]) == (200, 'W/"2"')
    assert second.headers["content-location"].endswith(f"{place}/_history/2")
    assert "gender" not in lenient.get(f"{place}/_history/1").json()
    assert lenient.get(f"{place}/_history/2").json()["gender"] == "female"
    assert lenient.get(f"{place}/_history/3").status_code == 404
    history = lenient.get(f"{place}/_history").json()
    assert (history["type"], history["total"]) == ("history", 2)
    assert [entry["request"]["method"] for entry in history["entry"]] == ["PUT", "POST"]


def test_put_on_an_unknown_id_creates(lenient: httpx.Client) -> None:
    answer = lenient.put("/Patient/chosen-1", json={**PATIENT, "id": "chosen-1"})
    assert (answer.status_code, answer.json()["id"]) == (201, "chosen-1")


@pytest.mark.parametrize("body", [PATIENT, {**PATIENT, "id": "other"}])
def test_update_needs_the_id_of_the_url(lenient: httpx.Client, body: dict) -> None:
    answer = lenient.put("/Patient/this", json=body)
    assert answer.status_code == 400
    assert is_outcome(answer)


def test_if_match_guards_against_lost_updates(lenient: httpx.Client) -> None:
    first = created(lenient, PATIENT)
    place = f"/Patient/{first['id']}"
    changed = {**first, "active": True}
    assert lenient.put(place, json=changed, headers={"If-Match": 'W/"1"'}).status_code == 200
    stale = lenient.put(place, json={**first, "active": False}, headers={"If-Match": 'W/"1"'})
    assert stale.status_code == 412
    assert is_outcome(stale)
    assert lenient.get(place).json()["active"] is True


def test_conditional_read(lenient: httpx.Client) -> None:
    first = created(lenient, PATIENT)
    place = f"/Patient/{first['id']}"
    seen = lenient.get(place)
    unchanged = lenient.get(place, headers={"If-None-Match": seen.headers["etag"]})
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert lenient.get(place, headers={"If-None-Match": 'W/"7"'}).status_code == 200
    assert lenient.get(place, headers={"If-Modified-Since": seen.headers["last-modified"]}).status_code == 304


def test_delete_then_gone_then_back(lenient: httpx.Client) -> None:
    first = created(lenient, PATIENT)
    place = f"/Patient/{first['id']}"
    assert lenient.delete(place).status_code == 204
    assert lenient.delete(place).status_code == 204
    gone = lenient.get(place)
    assert gone.status_code == 410
    assert is_outcome(gone)
    assert lenient.get(f"/Patient?_id={first['id']}").json()["total"] == 0
    assert lenient.get(f"{place}/_history/1").status_code == 200
    back = lenient.put(place, json=first)
    assert (back.status_code, back.headers["etag"]) == (201, 'W/"3"')


def test_conditional_create(lenient: httpx.Client) -> None:
    person = {**PATIENT, "identifier": [{"system": "urn:s", "value": "cc-1"}]}
    condition = {"If-None-Exist": "identifier=urn:s|cc-1"}
    first = lenient.post("/Patient", json=person, headers=condition)
    again = lenient.post("/Patient", json=person, headers=condition)
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    created(lenient, person)
    assert lenient.post("/Patient", json=person, headers=condition).status_code == 412
    assert lenient.post("/Patient", json=person, headers={"If-None-Exist": "nonsense=1"}).status_code == 400


def test_conditional_update(lenient: httpx.Client) -> None:
    person = {**PATIENT, "identifier": [{"system": "urn:s", "value": "cu-1"}]}
    place = "/Patient?identifier=urn:s|cu-1"
    first = lenient.put(place, json=person)
    again = lenient.put(place, json={**person, "active": True})
    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert lenient.put(place, json={**person, "id": "someone-else"}).status_code == 400
    created(lenient, person)
    assert lenient.put(place, json=person).status_code == 412


def test_conditional_delete(lenient: httpx.Client) -> None:
    person = {**PATIENT, "identifier": [{"system": "urn:s", "value": "cd-1"}]}
    created(lenient, person)
    created(lenient, person)
    assert lenient.delete("/Patient?identifier=urn:s|cd-1").status_code == 412
    assert lenient.delete("/Patient").status_code == 412
    assert lenient.get("/Patient?identifier=urn:s|cd-1").json()["total"] == 2


@pytest.mark.parametrize(
    ("preference", "kind"), [("minimal", None), ("representation", "Patient"), ("OperationOutcome", "OperationOutcome")]
)
def test_prefer_return(lenient: httpx.Client, preference: str, kind: str | None) -> None:
    answer = lenient.post("/Patient", json=PATIENT, headers={"Prefer": f"return={preference}"})
    assert answer.status_code == 201
    assert (answer.json()["resourceType"] if answer.content else None) == kind


@pytest.mark.parametrize(
    ("method", "path", "status", "allow"),
    [
        ("GET", "/Nothing/1", 404, None),
        ("GET", "/Patient/unknown", 404, None),
        ("GET", "/Patient/$everything", 404, None),
        ("POST", "/metadata", 405, "GET, HEAD"),
        ("POST", "/Patient/1", 405, "GET, PUT, PATCH, DELETE, HEAD"),
        ("DELETE", "/Patient/1/_history/1", 405, "GET, HEAD"),
        ("OPTIONS", "/Patient/1", 405, "GET, PUT, PATCH, DELETE, HEAD"),
    ],
)
def test_what_is_not_offered(lenient: httpx.Client, method: str, path: str, status: int, allow: str | None) -> None:
    answer = lenient.request(method, path, json=PATIENT if method == "POST" else None)
    assert (answer.status_code, answer.headers.get("allow")) == (status, allow)
    assert is_outcome(answer)


@pytest.mark.parametrize(
    ("content", "headers", "status"),
    [
        (b"{", {}, 400),
        (b"", {}, 400),
        (b"[]", {}, 400),
        (b'"text"', {}, 400),
        (b"{}", {}, 400),
        (b'{"resourceType":"Patient","a":NaN}', {}, 400),
        (b'{"resourceType":"Patient","active":true,"active":false}', {}, 400),
        (b'{"resourceType":"Patient","name":[{"family":"\xff"}]}', {}, 400),
        (b'{"resourceType":"Patient","x":' + b"[" * 5000 + b"]" * 5000 + b"}", {}, 400),
        (b'{"resourceType":"Patient","n":' + b"9" * 5000 + b"}", {}, 400),
        (b'{"resourceType":"Observation"}', {}, 400),
        (b"<Patient xmlns='http://hl7.org/fhir'/>", {"Content-Type": "text/plain"}, 415),
        (b"{}", {"Content-Type": "application/fhir+json; fhirVersion=3.0"}, 415),
    ],
)
def test_bodies_that_are_refused(lenient: httpx.Client, content: bytes, headers: dict, status: int) -> None:
    answer = lenient.post("/Patient", content=content, headers=headers)
    assert answer.status_code == status
    assert is_outcome(answer)


@pytest.mark.parametrize(
    ("accept", "query", "status", "media"),
    [
        ("application/fhir+json", "", 200, "application/fhir+json"),
        ("application/json", "", 200, "application/json"),
        ("*/*", "", 200, "application/fhir+json"),
        ("text/html;q=0.9, application/fhir+json;q=0.5", "", 200, "application/fhir+json"),
        ("application/fhir+json; fhirVersion=4.0", "", 200, "application/fhir+json"),
        ("application/pdf", "", 406, "application/fhir+json"),
        ("application/pdf", "?_format=json", 200, "application/fhir+json"),
        ("application/fhir+json;q=0", "", 406, "application/fhir+json"),
        ("application/fhir+json", "?_format=turtle", 406, "application/fhir+json"),
    ],
)
def test_negotiation(lenient: httpx.Client, accept: str, query: str, status: int, media: str) -> None:
    answer = lenient.get(f"/metadata{query}", headers={"Accept": accept})
    assert (answer.status_code, answer.headers["content-type"]) == (status, f"{media}; charset=utf-8")


def test_head_has_the_headers_of_get_without_its_body(lenient: httpx.Client) -> None:
    place = f"/Patient/{created(lenient, PATIENT)['id']}"
    head, full = lenient.head(place), lenient.get(place)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["etag"] == full.headers["etag"]
    assert head.headers["content-length"] == full.headers["content-length"]


def test_capabilities_tell_what_is_done(lenient: httpx.Client) -> None:
    statement = lenient.get("/metadata").json()
    assert (statement["resourceType"], statement["kind"], statement["fhirVersion"]) == (
        "CapabilityStatement",
        "instance",
        "4.0.1",
    )
    patient = next(item for item in statement["rest"][0]["resource"] if item["type"] == "Patient")
    assert {"read", "vread", "create", "update", "delete", "search-type"} <= {
        item["code"] for item in patient["interaction"]
    }
    for parameter in patient["searchParam"]:
        answer = lenient.get(
            "/Patient", params={f"{parameter['name']}:missing": "true"}, headers={"Prefer": "handling=strict"}
        )
        assert answer.status_code == 200, parameter


def test_a_body_over_the_limit_is_refused(serving) -> None:
    from harness.sandbox.policy import Policy

    small = serving(Policy(validate=False, max_body=1000))
    answer = small.post("/Patient", json={**PATIENT, "language": "x" * 2000})
    assert answer.status_code == 413
    assert is_outcome(answer)


def test_a_reference_to_nothing_is_refused(lenient: httpx.Client) -> None:
    answer = lenient.post(
        "/Observation", json={"resourceType": "Observation", "subject": {"reference": "Patient/none"}}
    )
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["Observation.subject.reference"]


def test_what_breaks_a_rule_is_refused_with_its_place(strict: httpx.Client) -> None:
    answer = strict.post("/Patient", json={**PATIENT, "gender": "robot"})
    assert answer.status_code == 422
    assert any(item["expression"] == ["Patient.gender"] for item in answer.json()["issue"])


def test_what_is_not_of_fhir_form_is_bad(strict: httpx.Client) -> None:
    answer = strict.post("/Patient", json={**PATIENT, "nonsense": 1})
    assert answer.status_code == 400
    assert is_outcome(answer)


def test_json_patch(lenient: httpx.Client) -> None:
    place = f"/Patient/{created(lenient, PATIENT)['id']}"
    media = {"Content-Type": "application/json-patch+json"}
    done = lenient.patch(place, json=[{"op": "add", "path": "/active", "value": True}], headers=media)
    assert (done.status_code, done.json()["active"], done.headers["etag"]) == (200, True, 'W/"2"')
    half = [{"op": "remove", "path": "/active"}, {"op": "test", "path": "/gender", "value": "male"}]
    refused = lenient.patch(place, json=half, headers=media)
    assert refused.status_code == 422
    assert lenient.get(place).json()["active"] is True
    assert lenient.patch(place, json=[], headers={"Content-Type": "application/merge-patch+json"}).status_code == 415


def test_binary_in_and_out(lenient: httpx.Client) -> None:
    content = bytes(range(256))
    made = lenient.post("/Binary", content=content, headers={"Content-Type": "application/pdf"})
    assert made.status_code == 201
    place = f"/Binary/{made.json()['id']}"
    raw = lenient.get(place)
    assert (raw.content, raw.headers["content-type"]) == (content, "application/pdf")
    assert lenient.get(place, headers={"Accept": "application/pdf"}).content == content
    assert lenient.get(place, headers={"Accept": "application/fhir+json"}).json()["contentType"] == "application/pdf"
    assert lenient.get(place, headers={"Accept": "image/png"}).status_code == 406
    assert lenient.get("/Binary/none").status_code == 404


def test_xml_in_and_out(lenient: httpx.Client) -> None:
    body = (
        '<Patient xmlns="http://hl7.org/fhir"><active value="true"/>'
        '<name><family value="Été"/></name><birthDate value="1980-01-02"/></Patient>'
    )
    media = {"Content-Type": "application/fhir+xml", "Accept": "application/fhir+xml"}
    made = lenient.post("/Patient", content=body.encode(), headers=media)
    assert (made.status_code, made.headers["content-type"]) == (201, "application/fhir+xml; charset=utf-8")
    assert '<family value="Été"/>' in made.text
    place = made.headers["location"]
    assert lenient.get(place).json()["name"] == [{"family": "Été"}]
    assert lenient.get(place, params={"_format": "xml"}).text == made.text
    found = lenient.get("/Patient?family=ete", headers={"Accept": "application/fhir+xml"})
    assert '<total value="1"/>' in found.text
    assert '<mode value="match"/>' in found.text
    refused = lenient.post("/Patient", content=b"<Patient", headers=media)
    assert refused.status_code == 400
    assert "<OperationOutcome" in refused.text


def test_a_page_that_is_stored_is_no_page_of_the_sandbox(lenient: httpx.Client) -> None:
    page = b"<script>alert(1)</script>"
    made = lenient.post("/Binary", content=page, headers={"Content-Type": "text/html"})
    answer = lenient.get(f"/Binary/{made.json()['id']}", headers={"Accept": "text/html"})
    assert answer.content == page
    assert answer.headers["content-security-policy"].startswith("sandbox;")
    assert answer.headers["x-content-type-options"] == "nosniff"
