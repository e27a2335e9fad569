"""Verdicts on what was sent."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.fhir.definitions import Definitions
from harness.sandbox.checking import server_validator
from harness.sandbox.console.judging import Judge
from harness.sandbox.console.traffic import Body, Exchange
from harness.sandbox.console.view import View, readable
from harness.sandbox.measures.population import OTHER_SOLUTION, PATIENTS, Registry

FIXTURES = Path(__file__).parents[3] / "fixtures"
JSON = "application/fhir+json"
TEXT = {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">Alex</div>'}


@pytest.fixture(scope="module")
def judge():
    return Judge(server_validator(Definitions.embedded()))


def exchange(body=b"", media_type=JSON, **changes):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    found = {"number": hash((content, media_type, str(changes))), "at": 0.0, "elapsed": 0.012, "service": "fhir"}
    found |= {"method": "POST", "target": "/fhir/Patient", "status": 201, "headers": (("content-type", media_type),)}
    return Exchange(**{**found, "body": Body(content, len(content)), **changes})


@pytest.mark.parametrize(
    ("body", "media_type", "verdict"),
    [
        ({"resourceType": "Patient", "text": TEXT, "gender": "male"}, JSON, "pass"),
        ({"resourceType": "Patient", "gender": "male"}, JSON, "warn"),
        ({"resourceType": "Patient", "gender": "robot"}, JSON, "fail"),
        ({"resourceType": "Patient", "meta": {"profile": ["http://unknown.example/P"]}}, JSON, "undecided"),
        (b"{", JSON, "fail"),
        (b"[]", JSON, "fail"),
        (b"\xff", JSON, "fail"),
        (b'<Patient xmlns="http://hl7.org/fhir"><gender value="male"/></Patient>', "application/fhir+xml", "warn"),
        (b"<Patient", "application/fhir+xml", "fail"),
        (b"", JSON, "skip"),
        (b"%PDF", "application/pdf", "skip"),
        (b"code=1", "application/x-www-form-urlencoded", "skip"),
    ],
)
def test_content_is_judged_by_its_profiles(judge, body, media_type, verdict):
    assert judge.judge(exchange(body, media_type)).verdict == verdict


def test_a_feed_is_judged_by_the_profile_of_its_measure(judge):
    feed = json.loads((FIXTURES / "bundle" / "mes-measure-feed.json").read_text("utf-8"))
    good = judge.judge(exchange(feed, service="mes"))
    assert good.kind == "Bundle: Observation, Device"
    assert good.verdict != "fail", "the code list of its device is not there: some rules cannot be judged"
    del feed["entry"][0]["resource"]["status"]
    bad = judge.judge(exchange(feed, service="mes"))
    assert bad.verdict == "fail"
    assert any("status" in issue.text("fr") for issue in bad.issues)


def test_a_body_that_was_cut_is_not_judged(judge):
    found = judge.judge(replace(exchange(b"{}"), number=-1, body=Body(b"{", 10**9)))
    assert found.verdict == "undecided"
    assert found.problem is not None


def test_a_patch_is_no_resource(judge):
    assert judge.judge(exchange(b"[]", "application/json-patch+json", method="PATCH")).verdict == "skip"


@pytest.mark.parametrize(
    ("answer", "reasons"),
    [
        ({"issue": [{"diagnostics": "why", "details": {"text": "what"}}, {"diagnostics": "more"}]}, ("what", "more")),
        ({"issue": [{"details": "odd"}, 7, {}]}, ()),
        ({"issue": "odd"}, ()),
        ({"error": "invalid_grant", "error_description": "spent"}, ("invalid_grant spent",)),
        ([], ()),
        (None, ()),
    ],
)
def test_the_reasons_of_a_refusal_are_told(judge, answer, reasons):
    content = json.dumps(answer).encode()
    assert judge.judge(exchange(status=422, answer=Body(content, len(content)))).reasons == reasons


def test_each_is_judged_once(judge, monkeypatch):
    one = exchange({"resourceType": "Patient", "active": True})
    first = judge.judge(one)
    monkeypatch.setattr(judge, "_validator", None)
    assert judge.judge(one) is first


def test_a_row_has_names(judge):
    patient = PATIENTS["default"]
    view = View(Registry(), judge)
    row = view.row(exchange(b"", solution=OTHER_SOLUTION.oid, idpe=patient.idpe, status=403))
    assert row["solution"] == {"oid": OTHER_SOLUTION.oid, "name": OTHER_SOLUTION.name}
    assert row["patient"] == {"idPe": patient.idpe, "name": "ALEX PATIENT-TEST"}
    assert (row["at"], row["elapsed-ms"], row["good"], row["answer-class"]) == (
        *("1970-01-01T00:00:00.000Z", 12.0),
        *(False, "fail"),
    )
    assert json.loads(json.dumps(row)) == row
    stranger = view.row(exchange(b"", solution="1.2.3", idpe="x"))
    assert (stranger["solution"], stranger["patient"]) == (None, None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ('{"a":71.0}', '{\n  "a": 71.0\n}'),
        ("{", "{"),
        ("plain", "plain"),
        ('{"a":' + "9" * 30 + "}", '{"a":' + "9" * 30 + "}"),
        (r'{"a":"\ud800"}', r'{"a":"\ud800"}'),
    ],
)
def test_bodies_are_laid_out_for_people(text, shown):
    found = readable({"body": text, "length": len(text), "kept": len(text)})
    assert found == shown or "".join(found.split()) == text


def test_long_bodies_are_cut_for_people():
    text = "x" * 30_000
    assert len(readable({"body": text, "length": len(text), "kept": len(text)})) < 20_010


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["resourceType", "entry", "resource", "meta", "profile", "id"]), inner, max_size=3
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(body=_JSON.map(lambda value: json.dumps(value).encode()) | st.binary(max_size=60), xml=st.booleans())
def test_nothing_that_is_sent_makes_it_fail(judge, body, xml):
    one = exchange(body, "application/fhir+xml" if xml else JSON, status=422, answer=Body(body, len(body)))
    row = View(Registry(), judge).row(one)
    assert row["verdict"] in {"pass", "warn", "undecided", "fail", "skip"}
    for side in ("request", "answer"):
        readable(row[side])


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 50_000,
        b'{"a":' * 50_000,
        b'{"resourceType":"Patient","x":' + b"[" * 3000 + b"]" * 3000 + b"}",
        b'{"resourceType":"Patient","x":' + b"9" * 9000 + b"}",
        b'{"resourceType":"Patient","id":"a","id":"b"}',
        b'{"resourceType":["Patient"]}',
        b'{"resourceType":"Bundle","entry":[[[]],{"resource":{"resourceType":{}}}]}',
        b"<Patient xmlns='http://hl7.org/fhir'>" + b"<extension>" * 5000,
    ],
)
@pytest.mark.parametrize("media_type", [JSON, "application/fhir+xml"])
def test_bodies_made_to_hurt_are_judged(judge, body, media_type):
    row = View(Registry(), judge).row(exchange(body, media_type, answer=Body(body, len(body)), status=400))
    assert row["verdict"] in {"fail", "undecided", "warn"}
    assert readable(row["request"])
