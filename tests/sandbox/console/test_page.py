"""The page for testers over HTTP: what it shows, what it changes, and whom it lets in."""

import json
import re

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.sandbox.assembly import make_service
from harness.sandbox.desk import Opening
from harness.sandbox.measures.population import PATIENTS, SOLUTION
from harness.sandbox.pages.door import Door
from harness.sandbox.pages.text import plain
from harness.sandbox.policy import Policy
from harness.sandbox.server import SandboxServer
from tests.sandbox.authorization.person import Person, field

PATIENT = PATIENTS["default"]
HOSTILE = '"><script>alert(1)</script>\u202e'


def post(tester, action, **form):
    page = tester.get("/console")
    return tester.post(f"/console/{action}?lang=en", data={"csrf": field(page.text, "csrf"), **form})


def sent(server, method="POST", **changes):
    body = json.dumps({"resourceType": "Patient", **changes}).encode()
    return httpx.request(
        method, f"{server.base_url}/Patient", content=body, headers={"Content-Type": "application/fhir+json"}
    )


def test_the_page_names_every_patient_and_every_address(server, tester):
    page = tester.get("/console")
    assert page.status_code == 200
    for patient in PATIENTS.values():
        assert patient.idpe in page.text
        assert patient.ins in page.text
    for address in (server.base_url, server.measures_url, server.desk.discovery_url, SOLUTION.client_id):
        assert address in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]


def test_the_page_needs_nothing_from_elsewhere(tester):
    page = tester.get("/console").text
    places = re.findall(r'(?:src|href|action)="([^"]*)"', page)
    assert places
    assert all(place.startswith(("/", "#", "data:,")) and not place.startswith("//") for place in places)
    for place in re.findall(r'(?:src|href)="(/console/assets/[^"]*)"', page):
        assert tester.get(place).status_code == 200
    assert tester.get("/console/assets/../page.html").status_code == 404
    assert tester.get("/console/assets/none.css").status_code == 404


def test_french_and_english_say_the_same_things(tester):
    shape = {}
    for lang in ("fr", "en"):
        page = tester.get(f"/console?lang={lang}").text
        assert f'<html lang="{lang}">' in page
        shape[lang] = re.findall(r"<(\w+)", page)
    assert shape["fr"] == shape["en"]


def test_a_consent_is_given_and_withdrawn(server, tester):
    for choice, expected in (("no", {"write"}), ("yes", {"read", "write"})):
        answer = post(tester, "consent", patient=PATIENT.idpe, direction="read", given=choice)
        assert answer.status_code == 303
        assert server.measures.registry.given(PATIENT.idpe) == expected
    assert "The consent is noted" in tester.get(answer.headers["location"]).text


@pytest.mark.parametrize("form", [{"patient": "nobody"}, {"direction": "sideways"}, {}])
def test_a_consent_that_is_not_on_the_page_is_refused(tester, form):
    right = {"patient": PATIENT.idpe, "direction": "read", "given": "no"}
    assert post(tester, "consent", **({**right, **form} if form else {})).status_code == 400


def test_a_pairing_is_shown_and_ended(server, tester):
    person = Person(server.desk.authorization.issuer)
    with person.http:
        told = person.paired()
    page = tester.get("/console").text
    pairing = field(page, "pairing")
    assert post(tester, "unpair", pairing=pairing).status_code == 303
    assert 'name="pairing"' not in tester.get("/console").text
    assert server.desk.traffic.after(0)[-1].target == "/oauth/token"
    assert told["access_token"] not in repr(server.desk.traffic.after(0))
    assert server.desk.authorization.vault.pairings() == ()


def test_a_secret_is_shown_once_and_holds(server, tester):
    page = post(tester, "secret")
    found = re.search(r'id="secret">([^<]+)<', page.text)
    assert found is not None
    form = {"grant_type": "client_credentials"}
    granted = httpx.post(f"{server.desk.address}/oauth/token", data=form, auth=(SOLUTION.client_id, found[1]))
    assert granted.status_code == 200
    assert found[1] not in tester.get("/console").text


def test_reset_forgets_data_consents_and_pairings(server, tester):
    sent(server, gender="male")
    person = Person(server.desk.authorization.issuer)
    with person.http:
        person.paired(write="yes")
    assert httpx.get(f"{server.base_url}/Patient").json()["total"] == 1
    assert post(tester, "reset").status_code == 303
    assert httpx.get(f"{server.base_url}/Patient").json()["total"] == 0
    assert server.measures.registry.given(PATIENT.idpe) == {"read", "write"}
    assert server.desk.authorization.vault.pairings() == ()


def test_requests_are_listed_with_their_verdicts(server, tester):
    sent(server, gender="robot")
    page = tester.get("/console").text
    (row,) = re.findall(r'<li class="(?:good|bad)" id="request-.*?</details>', page, re.S)
    assert "422" in row
    assert "not conformant" in row
    assert "Patient.gender" in row
    assert post(tester, "clear").status_code == 303
    assert 'id="request-' not in tester.get("/console").text


def test_nothing_that_is_sent_can_act_on_the_page(server, tester):
    sent(server, gender=HOSTILE, **{HOSTILE: HOSTILE})
    httpx.get(f"{server.base_url}/{HOSTILE}", params={HOSTILE: HOSTILE}, headers={"Accept": "a/b<script>"})
    assert "&lt;script&gt;alert(1)" in tester.get("/console").text
    for place in ("/console", "/console/report.html", f"/console?lang={HOSTILE}&done={HOSTILE}"):
        text = tester.get(place).text
        assert "<script>alert" not in text
        assert "\u202e" not in text


def events(tester, number, **headers):
    """The first ``number`` events of the stream."""
    found: list[str] = []
    with tester.stream("GET", "/console/events?lang=en", headers=headers) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        text = ""
        for chunk in answer.iter_text():
            text += chunk
            found = re.findall(r"event: request\nid: (\d+)\n(.*?)\n\n", text, re.S)
            if len(found) >= number:
                return found
    return found


def test_requests_come_live_and_none_twice(server, tester):
    for _ in range(3):
        sent(server, gender="male")
    first, second, third = events(tester, 3)
    assert 'id="request-' in first[1]
    assert [name for name, _ in events(tester, 1, **{"Last-Event-ID": second[0]})] == [third[0]]


def test_a_number_that_is_none_begins_at_the_beginning(server, tester):
    sent(server, gender="male")
    for wrong in ("x", "9" * 5000, "-1", "²"):
        ((name, _),) = events(tester, 1, **{"Last-Event-ID": wrong.encode("latin-1")})
        assert name.isdecimal()


_NAMES = st.sampled_from(["lang", "done", "after", "key", "ui_locales", "csrf", "patient", "direction", "pairing"])
_HEADERS = st.text(st.characters(codec="latin-1", exclude_categories=["Cc"]), max_size=40)
_PATHS = st.sampled_from(["", "/report.html", "/consent", "/unpair", "/clear", "/assets/page.css", "/assets/x"])


@settings(max_examples=60, deadline=None)
@given(
    method=st.sampled_from(["GET", "POST", "PUT", "HEAD", "OPTIONS"]),
    path=_PATHS,
    query=st.lists(st.tuples(_NAMES, st.text(max_size=20)), max_size=4),
    cookie=_HEADERS,
    body=st.binary(max_size=60),
    language=_HEADERS,
)
def test_no_request_makes_it_fail(server, method, path, query, cookie, body, language):
    headers = {
        "Cookie": b"fhir-harness-page=" + cookie.strip().encode("latin-1"),
        "Accept-Language": language.strip().encode("latin-1"),
        "Content-Type": "application/x-www-form-urlencoded",
    }
    asked = httpx.Request(method, f"{server.desk.page_url}{path}", params=query, headers=headers, content=body)
    with httpx.Client() as client:
        assert client.send(asked).status_code < 500


def test_listeners_have_a_limit(server, tester, monkeypatch):
    monkeypatch.setattr("harness.sandbox.console.routes.STREAMS", 0)
    assert tester.get("/console/events").status_code == 503
    assert tester.get("/console/events", headers={"Sec-Fetch-Site": "cross-site"}).status_code == 403


def test_the_report_is_complete(server, tester):
    sent(server, gender="robot")
    answer = tester.get("/console/report.json")
    assert answer.headers["content-disposition"] == 'attachment; filename="sandbox-report.json"'
    told = answer.json()
    assert told["format"] == "fhir-harness-sandbox-report/1"
    assert told["verdicts"] == {"fail": 1}
    assert told["statuses"] == {"422": 1}
    assert [one["idPe"] for one in told["patients"]] == [patient.idpe for patient in PATIENTS.values()]
    (request,) = told["requests"]
    assert (request["verdict"], request["request"]["body"]) == (
        "fail",
        '{"resourceType": "Patient", "gender": "robot"}',
    )
    assert set(request["issues"][0]["message"]) == {"fr", "en"}
    page = tester.get("/console/report.html?lang=fr")
    assert "attachment" in page.headers["content-disposition"]
    assert '<html lang="fr">' in page.text
    assert "<link" not in page.text
    assert "src=" not in page.text


@pytest.mark.parametrize("action", ["consent", "unpair", "secret", "clear", "reset"])
def test_nothing_changes_without_a_form_of_the_page(server, tester, action):
    sent(server, gender="male")
    before = httpx.get(f"{server.base_url}/Patient").json()["total"]
    form = {"patient": PATIENT.idpe, "direction": "read", "given": "no"}
    assert tester.get(f"/console/{action}").status_code in {404, 405}
    assert tester.post(f"/console/{action}", data=form).status_code == 403
    seal = field(tester.get("/console").text, "csrf")
    with httpx.Client(base_url=server.desk.address) as other:
        assert other.post(f"/console/{action}", data={**form, "csrf": seal}).status_code == 403
    evil = {"Origin": "https://evil.example"}
    assert tester.post(f"/console/{action}", data={**form, "csrf": seal}, headers=evil).status_code == 403
    assert tester.post(f"/console/{action}", json=form).status_code == 415
    assert server.measures.registry.given(PATIENT.idpe) == {"read", "write"}
    assert httpx.get(f"{server.base_url}/Patient").json()["total"] == before


def test_another_name_for_this_machine_is_refused(tester):
    for host in ("evil.example", "evil.example:80", "", "[::1"):
        assert tester.get("/console", headers={"Host": host}).status_code in {400, 421}
    assert tester.get("/console", headers={"Host": "localhost:1"}).status_code == 200
    told = {lang: tester.get(f"/console?lang={lang}", headers={"Host": "evil.example"}).text for lang in ("fr", "en")}
    assert "ne répond pas au nom" in told["fr"]
    assert "does not answer to the name" in told["en"]


def test_beyond_loopback_the_page_needs_its_key(monkeypatch):
    monkeypatch.setattr("harness.sandbox.desk._is_loopback", lambda address: False)
    opening = Opening(public_url="https://sandbox.example/")
    with SandboxServer(make_service(policy=Policy(validate=False)), opening=opening) as server:
        base, _, key = server.desk.page_url.partition("?key=")
        assert base == "https://sandbox.example/console"
        assert server.desk.discovery_url.startswith("https://sandbox.example/oauth/")
        here = server.base_url.removesuffix("/fhir")
        with httpx.Client(base_url=here) as client:
            for wrong in ("", "?key=", "?key=wrong", "/report.json", "/events"):
                assert client.get(f"/console{wrong}").status_code == 403
            entered = client.get(f"/console?key={key}")
            assert (entered.status_code, entered.headers["location"]) == (303, "/console")
            assert client.get("/console").status_code == 200
            assert client.get("/console", headers={"Host": "sandbox.example"}).status_code == 200


def test_keys_are_new_each_time():
    assert Door(locked=True).key != Door(locked=True).key
    assert Door().key is None


@pytest.mark.parametrize(
    ("text", "shown"), [("été", "été"), ("a\u202eb\x00", "a‹U+202E›b‹U+0000›"), ("a\n\tb", "a\n\tb"), (7, 7)]
)
def test_what_cannot_be_seen_is_shown(text, shown):
    assert plain(text) == shown


def test_scripts_of_other_origins_call_only_where_they_may(server):
    asked = {"Origin": "https://app.example", "Access-Control-Request-Method": "POST"}
    closed = httpx.options(f"{server.base_url}/Patient", headers=asked)
    assert "access-control-allow-origin" not in closed.headers
    opening = Opening(cors=("https://app.example",))
    with SandboxServer(make_service(policy=Policy(validate=False)), opening=opening) as other:
        address = other.desk.address
        for path in ("/fhir/Patient", "/mes", "/oauth/token"):
            allowed = httpx.options(f"{address}{path}", headers=asked)
            assert allowed.headers["access-control-allow-origin"] == "https://app.example"
            assert "access-control-allow-credentials" not in allowed.headers
        assert httpx.get(f"{address}/fhir/metadata", headers=asked).headers["access-control-allow-origin"]
        for path in ("/console", "/console/report.json", "/oauth/authorize"):
            assert "access-control-allow-origin" not in httpx.get(f"{address}{path}", headers=asked).headers
        evil = httpx.get(f"{address}/fhir/metadata", headers={"Origin": "https://evil.example"})
        assert "access-control-allow-origin" not in evil.headers
