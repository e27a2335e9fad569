"""Each kind of expectation, judged on answers that hold and that do not."""

import hashlib
import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.checks import CHECKS, MOST, Evidence, ExpectationFault, judge
from harness.engine.checks.status import matches
from harness.engine.codes import CODES, lookup
from harness.engine.exchange import Exchange, Request, Response
from harness.engine.text import inert
from harness.engine.verdict import Verdict
from harness.validation.outcome import Issue, Outcome

BASE = "http://x.example/fhir"
JSON = (("Content-Type", "application/fhir+json;charset=utf-8"), ("ETag", 'W/"3"'))
PATIENT = {"resourceType": "Patient", "id": "1", "active": True}
OUTCOME = {
    "resourceType": "OperationOutcome",
    "issue": [
        {"severity": "warning", "code": "informational"},
        {
            "severity": "error",
            "code": "required",
            "diagnostics": "name is missing",
            "details": {"text": "Nom absent"},
            "expression": ["Patient.name"],
        },
    ],
}
ELSEWHERE, AWAY = "http://elsewhere.example/fhir/T", "searchset.elsewhere"
HTML = b"<html>\x1b[31m<script>alert(1)</script>" + b"x" * 5000


def entry(kind, ident, mode="match", **more):
    return {"resource": {"resourceType": kind, "id": ident, **more}, "search": {"mode": mode}}


def at(kind, ident, base=BASE, mode="match"):
    return {"fullUrl": f"{base}/{kind}/{ident}", **entry(kind, ident, mode)}


def bundle(*entries, **more):
    links = [{"relation": "self", "url": f"{BASE}/Patient"}]
    return {"resourceType": "Bundle", "type": "searchset", "link": links, "entry": list(entries), **more}


FOUND = bundle(
    entry("Patient", "1", active=True), entry("Patient", "2"), entry("Practitioner", "9", "include"), total=2
)


class Judge:
    def __init__(self, *issues):
        self.issues = issues

    def validate(self, resource, profiles=()):
        return Outcome(self.issues)


class Structures:
    def structure(self, canonical):
        return {"type": canonical.rpartition("/")[2]} if "unknown" not in canonical else None


def answer(resource=None, status=200, headers=JSON, body=None, url=f"{BASE}/Patient", elapsed=0.2):
    content = json.dumps(resource).encode() if body is None and resource is not None else body or b""
    response = Response(status, headers, content)
    return Exchange(Request("GET", url), "2026-01-01T00:00:00.000Z", elapsed, response)


def evidence(*exchanges, judge=None, **more):
    options = {"now": datetime(2026, 1, 31, tzinfo=UTC), **more}
    return Evidence(exchanges, BASE, judge or Judge(), Structures(), **options)


def result(kind, expected, *exchanges, level="SHALL", **more):
    return judge(kind, expected, level, evidence(*exchanges, **more))


def codes(kind, expected, *exchanges, **more):
    return [finding.code for finding in result(kind, expected, *exchanges, **more).findings]


TABLE = [
    ("status", 200, answer(PATIENT), []),
    ("status", "2xx", answer(PATIENT), []),
    ("status", "200", answer(PATIENT), []),
    ("status", [400, "2xx"], answer(PATIENT), []),
    ("status", 201, answer(PATIENT), ["status"]),
    ("status", 400, answer(body=HTML, status=503), ["status.server-error"]),
    ("status", "5xx", answer(body=HTML, status=503), []),
    ("status", "ok", answer(PATIENT), ["expect"]),
    ("status", True, answer(PATIENT), ["expect"]),
    ("url", "/^[^|]+$/", answer(PATIENT), []),
    ("url", "/[|]/", answer(PATIENT), ["request.url"]),
    ("headers", {"etag": "present", "X-No": "absent", "ETag": 'W/"3"'}, answer(PATIENT), []),
    ("headers", {"ETag": "/^W/", "Location": "present"}, answer(PATIENT), ["header.missing"]),
    ("headers", {"Location": "/^(W.*)?$/"}, answer(PATIENT), []),
    ("headers", {"ETag": "absent"}, answer(PATIENT), ["header.present"]),
    ("headers", {"ETag": '"3"'}, answer(PATIENT), ["header.value"]),
    ("headers", {"ETag": "/^[/"}, answer(PATIENT), ["expect"]),
    ("content-type", "json", answer(PATIENT), []),
    ("content-type", "application/fhir+json", answer(PATIENT), []),
    ("content-type", "/charset=utf-8/", answer(PATIENT), []),
    ("content-type", "application/pdf", answer(PATIENT), ["content-type"]),
    ("content-type", "json", answer(PATIENT, headers=()), ["content-type"]),
    ("type", "Patient", answer(PATIENT), []),
    ("type", ["Bundle", "Patient"], answer(PATIENT), []),
    ("type", "Bundle", answer(PATIENT), ["type"]),
    ("type", "Patient", answer(body=HTML), ["body.not-fhir"]),
    ("type", "Patient", answer(body=b"[1]"), ["body.not-fhir"]),
    ("that", "active", answer(PATIENT), []),
    ("that", ["id = '1'", "name.empty()"], answer(PATIENT), []),
    ("that", ["active = false", "name.exists()"], answer(PATIENT), ["that", "that"]),
    ("that", "name.family = 'X'", answer(PATIENT), ["that"]),
    ("that", "now() = @2026-01-31T00:00:00.000Z", answer(PATIENT), []),
    ("that", "conformsTo('http://x/Patient')", answer(PATIENT), []),
    ("that", "((", answer(PATIENT), ["expect"]),
    ("that", "active", answer(body=HTML), ["body.not-fhir"]),
    ("outcome", {"severity": "error"}, answer(OUTCOME, 422), []),
    ("outcome", {"severity": ["fatal", "error"], "code": "required"}, answer(OUTCOME, 422), []),
    ("outcome", {"diagnostics": "Name"}, answer(OUTCOME, 422), []),
    ("outcome", {"diagnostics": "/^Nom/", "expression": "Patient.name"}, answer(OUTCOME, 422), []),
    ("outcome", {"severity": "warning", "code": "required"}, answer(OUTCOME, 422), ["outcome"]),
    ("outcome", {"expression": "Patient"}, answer(OUTCOME, 422), ["outcome"]),
    ("outcome", {"severity": "error"}, answer(PATIENT), ["outcome.missing"]),
    ("outcome", {"severity": "error"}, answer(body=b"", status=422), ["outcome.missing"]),
    ("searchset", {}, answer(FOUND), []),
    ("searchset", {"includes": "Patient/1", "excludes": ["Patient/3"]}, answer(FOUND), []),
    (
        "searchset",
        {"includes": "Patient/3", "excludes": "Patient/2"},
        answer(FOUND),
        ["searchset.missing", "searchset.unexpected"],
    ),
    ("searchset", {"every-match": "id.exists()"}, answer(FOUND), []),
    ("searchset", {"every-match": "active"}, answer(FOUND), ["searchset.match"]),
    ("searchset", {"every-match": "active"}, answer(bundle()), ["searchset.none"]),
    ("searchset", {"every-match": "active", "matches": 0}, answer(bundle()), []),
    ("searchset", {"matches": 2, "total": {"min": 1, "max": 2}}, answer(FOUND), []),
    ("searchset", {"matches": {"min": 3}, "total": "3"}, answer(FOUND), ["searchset.matches", "searchset.total"]),
    ("searchset", {"total": 0}, answer(bundle()), ["searchset.total"]),
    ("searchset", {}, answer(bundle(entry("Patient", "1", "found"))), ["searchset.mode"]),
    ("searchset", {}, answer(bundle(entry("Patient", "1"), entry("Patient", "1"))), ["searchset.duplicate"]),
    ("searchset", {}, answer(bundle(link=[])), ["searchset.self-link"]),
    ("searchset", {}, answer(bundle(at("Patient", "1"))), []),
    ("searchset", {}, answer(bundle(at("Patient", "1", "HTTP://X.example:80/fhir"))), []),
    ("searchset", {}, answer(bundle(at("Patient", "1", ELSEWHERE), at("Patient", "2", ELSEWHERE))), [AWAY]),
    ("searchset", {}, answer(bundle(at("Patient", "1"), at("Patient", "2", ELSEWHERE, "include"))), []),
    ("searchset", {}, answer(bundle({**at("Patient", "1"), "fullUrl": f"{BASE}/Patient/2"})), ["searchset.full-url"]),
    ("searchset", {}, answer(bundle({**at("Patient", "1"), "fullUrl": f"{BASE}/Group/1"})), ["searchset.full-url"]),
    ("searchset", {}, answer(bundle({**at("Patient", "1"), "fullUrl": "urn:uuid:0"})), []),
    ("searchset", {}, answer(bundle({**at("Patient", "1"), "fullUrl": "http://[/Patient/1"})), [AWAY]),
    ("searchset", {}, answer(bundle(at("OperationOutcome", "1", ELSEWHERE, "outcome"))), []),
    ("searchset", {}, answer(PATIENT), ["searchset.type"]),
    ("searchset", {}, answer({"resourceType": "Bundle", "type": "batch-response"}), ["searchset.type"]),
    ("searchset", {}, answer(body=HTML), ["body.not-fhir"]),
    ("searchset", {"matches": "many"}, answer(FOUND), ["expect"]),
    ("body", "empty", answer(status=204), []),
    ("body", "empty", answer(PATIENT), ["body.not-empty"]),
    ("body", "application/*", answer(PATIENT), []),
    ("body", "image/png", answer(PATIENT), ["body.media-type"]),
    ("body", "application/fhir+json", answer(status=200), ["body.media-type"]),
    ("body", "sha256:" + hashlib.sha256(b"abc").hexdigest(), answer(body=b"abc"), []),
    ("body", "sha256:" + hashlib.sha256(b"abc").hexdigest(), answer(body=b"abcd"), ["body.digest"]),
    ("within", 1, answer(PATIENT), []),
    ("within", "0.1", answer(PATIENT), ["within"]),
    ("within", "soon", answer(PATIENT), ["expect"]),
    ("same-as", {"value": {**PATIENT, "id": "7"}, "except": ["id"]}, answer(PATIENT), []),
    ("same-as", {"value": PATIENT, "only": ["active"]}, answer({**PATIENT, "id": "8"}), []),
    ("same-as", {"value": {"resourceType": "Patient", "active": True}, "at-least": True}, answer(PATIENT), []),
    ("same-as", {"value": {**PATIENT, "gender": "other"}, "at-least": True}, answer(PATIENT), ["same-as.missing"]),
    ("same-as", {"value": {**PATIENT, "active": False}, "at-least": True}, answer(PATIENT), ["same-as.changed"]),
    ("same-as", {"sent": 3}, answer(PATIENT), ["expect"]),
    ("same-as", {"value": PATIENT}, answer(body=HTML), ["body.not-fhir"]),
    ("conforms", "base", answer(PATIENT), []),
    ("conforms", "http://x/unknown", answer(PATIENT), ["conforms.unknown-profile"]),
    ("conforms", "http://x/Patient", answer(bundle()), ["conforms.no-entry"]),
    ("conforms", "base", answer(body=HTML), ["body.not-fhir"]),
]


@pytest.mark.parametrize(("kind", "expected", "exchange", "wanted"), TABLE)
def test_table(kind, expected, exchange, wanted):
    judged = result(kind, expected, exchange)
    assert [finding.code for finding in judged.findings] == wanted
    if not wanted:
        assert judged.verdict is Verdict.PASS
    for finding in judged.findings:
        assert lookup(finding.code)
        assert finding.check == kind
        for message in (finding.message, finding.message_fr, finding.found):
            assert message.isprintable()
            assert len(message) < 700
        assert finding.message != finding.message_fr


def test_every_kind_is_in_the_table():
    assert {kind for kind, *_ in TABLE} | {"pages", "params"} == set(CHECKS)


@pytest.mark.parametrize("level", ["SHOULD", "MAY"])
def test_a_broken_should_is_a_warning_and_an_unproven_one_stays_undecided(level):
    assert result("status", 201, answer(PATIENT), level=level).verdict is Verdict.WARN
    assert result("conforms", "http://x/unknown", answer(PATIENT), level=level).verdict is Verdict.UNDECIDED
    assert result("status", "ok", answer(PATIENT), level=level).verdict is Verdict.ERROR


ERROR = Issue(
    "min-cardinality", "error", "required", "Patient.name", "http://x/Patient", "Patient.name", found="0", expected="1"
)
UNSURE = Issue("binding-undecided", "warning", "code-invalid", "Patient.gender", undecided=True)
HINT = Issue("dom-6", "warning", "invariant", "Patient")


def test_conforms_gives_each_error_as_data():
    judged = result("conforms", "base", answer(PATIENT), judge=Judge(ERROR, HINT))
    (finding,) = judged.findings
    assert judged.verdict is Verdict.FAIL
    assert finding.code == "conforms.min-cardinality"
    assert (finding.expression, finding.definition, finding.profile) == (
        "Patient.name",
        "Patient.name",
        "http://x/Patient",
    )
    assert (finding.found, finding.expected) == ("0", "1")


def test_what_could_not_be_judged_is_not_a_pass():
    assert result("conforms", "base", answer(PATIENT), judge=Judge(UNSURE)).verdict is Verdict.UNDECIDED
    assert result("conforms", "base", answer(PATIENT), judge=Judge(UNSURE, ERROR)).verdict is Verdict.FAIL


def test_a_profile_is_judged_on_the_entries_of_a_bundle():
    judged = result("conforms", "http://x/Patient", answer(FOUND), judge=Judge(ERROR))
    assert [finding.expression for finding in judged.findings] == [
        "Bundle.entry[0].resource.name",
        "Bundle.entry[1].resource.name",
    ]


def test_pages_are_judged_as_a_whole():
    first = answer(bundle(entry("Patient", "1"), total=2))
    second = answer(bundle(entry("Patient", "2")), url=f"{BASE}/Patient?page=2")
    assert codes("searchset", {"matches": 2, "total": 2, "includes": ["Patient/2"]}, first, second) == []
    assert codes("searchset", {}, first, answer(bundle(entry("Patient", "1")))) == ["searchset.duplicate"]


@pytest.mark.parametrize(
    ("url", "wanted"),
    [
        (None, []),
        (f"{BASE}/Patient?page=3", ["pages.limit"]),
        ("Patient?page=3", ["pages.limit"]),
        (f"{BASE}/Patient", ["pages.cycle"]),
        ("http://169.254.169.254/latest", ["pages.outside"]),
        ("file:///etc/passwd", ["pages.outside"]),
        ("http://x.example:99999999/", ["pages.outside"]),
        ("http://[", ["pages.outside"]),
        ("http://user:password@x.example/fhir/Patient?page=2", ["pages.outside"]),
    ],
)
def test_where_paging_ends(url, wanted):
    link = [{"relation": "self", "url": BASE}] + ([{"relation": "next", "url": url}] if url else [])
    assert codes("pages", 2, answer(bundle(link=link))) == wanted


def test_a_page_that_is_none():
    assert codes("pages", 5, answer(bundle()), answer(body=HTML, status=500)) == ["pages.answer"]


def test_deep_json_is_not_a_fault_of_ours():
    body = b'{"resourceType":"Patient","a":' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    assert codes("type", "Patient", answer(body=body)) == ["body.not-fhir"]


@pytest.mark.parametrize(
    "body",
    [
        b'{"resourceType": "Patient", "x": NaN}',
        b"\xff\xfe",
        b"null",
        b'{"resourceType": 1}',
        b'{"a": 1e99999999999999999999}',
    ],
)
def test_answers_that_are_not_fhir(body):
    assert codes("type", "Patient", answer(body=body)) == ["body.not-fhir"]


@given(st.integers(100, 599))
def test_status_classes(code):
    assert matches(code, code)
    assert matches(str(code), code)
    assert matches(f"{code // 100}xx", code)
    assert [matches(f"{hundred}xx", code) for hundred in range(1, 6)].count(True) == 1


@given(st.one_of(st.integers(), st.text(), st.booleans(), st.none()))
def test_what_is_no_status_is_refused(pattern):
    text = str(pattern)
    if (
        not isinstance(pattern, bool)
        and text.isascii()
        and len(text) == 3
        and text[0] in "12345"
        and (text[1:] == "xx" or text.isdigit())
    ):
        return
    with pytest.raises(ExpectationFault):
        matches(pattern, 200)


@given(st.text())
def test_excerpts_are_inert(text):
    shown = inert(text)
    assert shown.isprintable()
    assert len(shown) <= 161


def test_every_code_is_explained_in_both_languages():
    for code, texts in CODES.items():
        for language in ("en", "fr"):
            assert texts.message[language].strip(), code
            assert texts.meaning[language].strip(), code
        assert texts.meaning["en"] != texts.meaning["fr"], code
    assert lookup("network.unknown") is CODES["network"]
    assert lookup("no.such.code") is None


def test_of_very_many_findings_the_first_are_kept_and_the_others_count():
    judged = result("conforms", "base", answer(PATIENT), judge=Judge(*[UNSURE] * MOST, *[ERROR] * 3, *[UNSURE] * 4))
    assert len(judged.findings) == MOST + 1
    last = judged.findings[-1]
    assert (last.code, last.verdict, last.found, last.check) == ("more", Verdict.FAIL, "7", "conforms")
    assert judged.verdict is Verdict.FAIL
