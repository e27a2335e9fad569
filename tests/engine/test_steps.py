"""How interactions become requests (FHIR R4, http.html)."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.exchange import Exchange, Request, Response, header
from harness.engine.steps import INTERACTIONS, Call, StepFault, converse
from harness.engine.steps.call import address, etag, same_origin
from harness.engine.wire import dumps
from harness.errors import TestSetError
from harness.suite.model import Interaction

BASE = "https://x.example/fhir"
PATIENT = {"resourceType": "Patient", "id": "7", "multipleBirthInteger": 1}


def call(interaction, target=None, **more):
    return Call(interaction=Interaction(interaction), base=BASE, target=target, **more)


def requests(made, *answers, redirects=0):
    """Carry out a call against these answers and return its requests."""
    sent = []
    conversation = converse(made, redirects)
    request = next(conversation, None)
    queue = list(answers)
    while request is not None:
        sent.append(request)
        response = queue.pop(0) if queue else Response(200, (), b"{}")
        try:
            request = conversation.send(Exchange(request, "", 0.1, response))
        except StopIteration:
            break
    return sent


def only(made):
    (request,) = requests(made)
    return request


@pytest.mark.parametrize(
    ("made", "method", "path"),
    [
        (call("capabilities"), "GET", "metadata"),
        (call("capabilities", "full"), "GET", "metadata?mode=full"),
        (call("read", "Patient/7"), "GET", "Patient/7"),
        (call("vread", "Patient/7/_history/2"), "GET", "Patient/7/_history/2"),
        (call("create", resource=PATIENT), "POST", "Patient"),
        (call("update", resource=PATIENT), "PUT", "Patient/7"),
        (call("update", resource=PATIENT, params={"identifier": "a|b"}), "PUT", "Patient?identifier=a%7Cb"),
        (call("patch", {"target": "Patient/7", "operations": []}), "PATCH", "Patient/7"),
        (call("delete", "Patient/7"), "DELETE", "Patient/7"),
        (call("delete", "Patient", params={"name": "é"}), "DELETE", "Patient?name=%C3%A9"),
        (call("search", "Slot", params={"start": ["ge2026", "lt2027"]}), "GET", "Slot?start=ge2026&start=lt2027"),
        (call("search", "Slot", params={"_count": 2, "x": True}), "GET", "Slot?_count=2&x=true"),
        (call("history", ""), "GET", "_history"),
        (call("history", "Patient/7"), "GET", "Patient/7/_history"),
        (call("transaction", resource={"resourceType": "Bundle"}), "POST", ""),
        (call("batch", resource={"resourceType": "Bundle"}), "POST", ""),
        (
            call("operation", "Patient/7/$everything", params={"start": "2026"}),
            "GET",
            "Patient/7/$everything?start=2026",
        ),
        (call("operation", {"name": "$validate", "parameters": PATIENT}), "POST", "$validate"),
        (call("request", {"method": "HEAD", "path": "/Patient/7"}), "HEAD", "Patient/7"),
        (call("request", {"method": "GET", "path": "Patient?name=a%20b"}), "GET", "Patient?name=a%20b"),
        (call("request", {"method": "GET", "path": f"{BASE}/Binary/1"}), "GET", "Binary/1"),
        (call("read", f"{BASE}/Patient/7/_history/1"), "GET", "Patient/7/_history/1"),
        (call("read", "/fhir/Patient/7/_history/1"), "GET", "Patient/7/_history/1"),
        (call("read", "/fhirs/7"), "GET", "fhirs/7"),
    ],
)
def test_requests(made, method, path):
    request = only(made)
    assert (request.method, request.url) == (method, f"{BASE}/{path}".rstrip("/"))
    assert header(request.headers, "accept") == "application/fhir+json"


def test_every_interaction_but_await_is_there():
    assert set(Interaction) - set(INTERACTIONS) == {Interaction.AWAIT}


def test_the_headers_of_a_create():
    request = only(
        call(
            "create",
            resource=PATIENT,
            credentials=(("Authorization", "Bearer t"),),
            headers={"prefer": "return=minimal", "X-Own": "1", "Accept": None},
            if_none_exist="?identifier=a|b",
        )
    )
    assert dict(request.headers) == {
        "Content-Type": "application/fhir+json; charset=utf-8",
        "If-None-Exist": "identifier=a|b",
        "Authorization": "Bearer t",
        "prefer": "return=minimal",
        "X-Own": "1",
    }
    assert json.loads(request.body) == PATIENT


def test_conditions_are_entity_tags():
    request = only(call("update", resource=PATIENT, if_match="3"))
    assert header(request.headers, "if-match") == 'W/"3"'
    assert [etag(value) for value in ('W/"1"', '"1"', "*", "1")] == ['W/"1"', '"1"', "*", 'W/"1"']


def test_a_text_goes_as_it_is():
    request = only(call("request", {"method": "POST", "path": "Patient", "body": "{", "content-type": "text/plain"}))
    assert request.body == b"{"
    assert header(request.headers, "content-type") == "text/plain"


@pytest.mark.parametrize(
    "made",
    [
        call("create", resource="text"),
        call("create", resource={"id": "1"}),
        call("update", resource={"resourceType": "Patient"}),
        call("read", {"a": 1}),
        call("vread", "Patient/7"),
        call("request", "Patient"),
        call("patch", "Patient/7"),
        call("read", "../admin"),
        call("request", {"method": "GET", "path": "http://evil.example/"}),
        call("request", {"method": "GET", "path": "//evil.example/"}),
        call("request", {"method": "GET", "path": "http://[::1"}),
        call("search", "Patient", params={"a": {"b": 1}}),
    ],
)
def test_what_cannot_be_carried_out_says_so(made):
    with pytest.raises(StepFault) as caught:
        requests(made)
    assert str(caught.value) != caught.value.message_fr


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "a\x00", "日本"])
def test_a_header_cannot_be_broken_out_of(value):
    with pytest.raises(TestSetError):
        requests(call("read", "Patient/7", headers={"X-Own": value}))


@given(st.text(max_size=20), st.text(max_size=20))
def test_no_value_leads_out_of_the_base(path, value):
    try:
        url = address(BASE, f"Patient/{path}", {"name": value})
    except TestSetError:
        return
    assert url.startswith(f"{BASE}/Patient")
    assert url.isascii()
    assert not any(char.isspace() for char in url)


def page(following=None):
    links = [{"relation": "next", "url": following}] if following else []
    return Response(200, (), json.dumps({"resourceType": "Bundle", "link": links}).encode())


def test_pages_are_followed_with_the_same_headers_to_the_last():
    made = call("search", "Patient", pages=5, credentials=(("Authorization", "Bearer t"),))
    sent = requests(made, page("?page=2"), page(f"{BASE}/Patient?page=3"), page())
    assert [request.url.rpartition("/")[2] for request in sent] == ["Patient", "Patient?page=2", "Patient?page=3"]
    assert all(header(request.headers, "authorization") for request in sent)


@pytest.mark.parametrize(
    ("pages", "answers", "count"),
    [
        (1, [page("?page=2")], 1),
        (3, [page("?page=2"), page("?page=3"), page("?page=4")], 3),
        (9, [page("?page=2"), page(f"{BASE}/Patient")], 2),
        (9, [page("http://evil.example/")], 1),
        (9, [page("http://x.example/fhir/Patient?page=2")], 1),
        (9, [page("http://[")], 1),
        (9, [Response(200, (), b"[]")], 1),
        (9, [Response(200, (), b'{"link": [1, {"relation": "next"}]}')], 1),
    ],
)
def test_where_paging_stops(pages, answers, count):
    assert len(requests(call("search", "Patient", pages=pages), *answers)) == count


def redirect(location):
    return Response(302, (("Location", location),))


@pytest.mark.parametrize(
    ("limit", "location", "count"),
    [(0, f"{BASE}/x", 1), (1, f"{BASE}/x", 2), (1, "x", 2), (1, "http://evil.example/", 1), (3, "", 4)],
)
def test_redirects_are_followed_only_within_the_candidate(limit, location, count):
    assert len(requests(call("read", "Patient/7"), *[redirect(location)] * count, redirects=limit)) == count


def test_a_post_is_not_repeated_elsewhere():
    assert len(requests(call("create", resource=PATIENT), redirect(f"{BASE}/x"), redirects=5)) == 1


def test_origins():
    assert same_origin("https://X.example/a", "https://x.example:443/b")
    assert not same_origin("https://x.example", "http://x.example")
    assert not same_origin("https://x.example", "https://x.example:8443")
    assert not same_origin("https://x.example", "https://x.example:port")


@given(st.decimals(allow_nan=False, allow_infinity=False), st.text())
def test_json_keeps_digits_and_text(number, text):
    written = dumps({"n": number, "t": [text, None, True]})
    again = json.loads(written, parse_float=Decimal, parse_int=Decimal)
    assert again == {"n": number, "t": [text, None, True]}
    assert str(again["n"]) == str(number)


def test_what_json_does_not_have():
    with pytest.raises(TypeError):
        dumps({"a": {1}})
    assert Request("GET", BASE).body == b""
