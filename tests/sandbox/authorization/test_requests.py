"""Authorization requests that are wrong, hostile, or in an unusual form."""

import subprocess
import sys

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.sandbox.authorization.clients import Client
from harness.sandbox.authorization.server import Ask
from harness.sandbox.desk import Opening
from harness.sandbox.measures.population import PATIENTS, SOLUTION
from harness.sandbox.measures.tokens import TokenOffice
from harness.sandbox.pages.forms import MAX_FORM
from tests.sandbox.authorization.person import CALLBACK, field


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "nobody"},
        {"redirect_uri": None},
        {"redirect_uri": "https://evil.example/"},
        {"redirect_uri": "http://127.0.0.1.evil.example/"},
        {"redirect_uri": "http://127.0.0.1@evil.example/"},
        {"redirect_uri": "http://127.0.0.1:80:80/"},
        {"redirect_uri": "javascript:alert(1)"},
        {"redirect_uri": "http://127.0.0.1:5000/#"},
        {"redirect_uri": "http://127.0.0.1:5000/é"},
        {"redirect_uri": "http://127.0.0.1:5000/a\r\nX-Other: 1"},
        {"redirect_uri": "http://127.0.0.1/#x"},
        {"redirect_uri": "https://app.example/done/../x"},
        {"redirect_uri": 'http://evil.example/"<script>alert(1)</script>'},
        {"redirect_uri": "http://[::1/"},
    ],
)
def test_without_a_client_and_a_place_to_return_to_a_person_is_told(person, changes):
    answer = person.open(**changes)
    assert answer.status_code == 400
    assert "location" not in answer.headers
    assert answer.headers["content-type"].startswith("text/html")
    assert "<script" not in answer.text


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge": "short"}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"code_challenge_method": None}, "invalid_request"),
        ({"prompt": "none"}, "login_required"),
    ],
)
def test_other_faults_are_told_to_the_client(person, changes, error):
    told = person.answer(person.open(**changes))
    assert (told["error"], told["state"]) == (error, "s-1")


@pytest.mark.parametrize("uri", ["http://localhost:1234/cb", "http://[::1]:9/cb", "https://app.example/done"])
def test_answers_go_to_this_machine_and_to_what_was_registered(person, uri):
    page = person.open(redirect_uri=uri)
    assert page.status_code == 200
    sent = person.decide(page, "refuse").headers["location"]
    assert sent.startswith(f"{uri}?error=access_denied")
    origin = uri.rpartition("/")[0]
    assert page.headers["content-security-policy"].endswith(f"form-action 'self' {origin}")


def test_a_parameter_twice_is_refused(person):
    both = httpx.QueryParams(
        [("client_id", SOLUTION.client_id), ("redirect_uri", CALLBACK), ("redirect_uri", CALLBACK)]
    )
    assert httpx.get(f"{person.issuer}/authorize?{both}&response_type=code").status_code == 400


def test_a_nonce_serves_once(person):
    person.answer(person.decide(person.open(nonce="n-once")))
    again = person.open(nonce="n-once")
    assert again.status_code in {303, 400}
    assert "csrf" not in again.text


def test_a_posted_request_comes_to_the_same_page(person):
    asked = dict(person.open().request.url.params)
    answer = person.http.post(f"{person.issuer}/authorize", data=asked)
    assert answer.status_code == 303
    assert dict(httpx.URL(f"http://x{answer.headers['location']}").params) == asked


def test_the_page_speaks_french_and_english(person):
    assert '<html lang="fr">' in person.open(ui_locales="de fr-FR").text
    assert '<html lang="en">' in person.open(lang="en", ui_locales="fr").text
    assert '<html lang="en">' in person.open().text, "that is what the browser prefers"
    person.http.headers["Accept-Language"] = "de"
    assert '<html lang="fr">' in person.open().text


def test_a_hint_chooses_the_patient(person):
    wanted = PATIENTS["patient-b"].idpe
    assert f'value="{wanted}" checked' in person.open(login_hint=wanted).text
    assert f'value="{PATIENTS["default"].idpe}" checked' in person.open(login_hint="nobody").text


@pytest.mark.parametrize(
    ("cookie", "seal", "headers"),
    [
        (False, True, {}),
        (True, False, {}),
        (True, True, {"Origin": "https://evil.example"}),
        (True, True, {"Origin": "null"}),
        (True, True, {"Sec-Fetch-Site": "cross-site"}),
    ],
)
def test_no_other_site_decides_for_a_patient(server, person, cookie, seal, headers):
    page = person.open(nonce=None)
    if not cookie:
        person.http.cookies.clear()
    person.http.headers.update(headers)
    sent = {} if seal else {"csrf": "0" * 64}
    answer = person.decide(page, who="no-consent", read="yes", **sent)
    assert answer.status_code == 403
    assert not server.measures.registry.given(PATIENTS["no-consent"].idpe)


def test_the_seal_belongs_to_one_browser(server, person):
    other = type(person)(person.issuer)
    with other.http:
        stolen = field(other.open().text, "csrf")
    assert person.decide(person.open(), csrf=stolen).status_code == 403


def test_a_patient_who_does_not_exist_is_refused(person):
    assert person.decide(person.open(), patient="<b>nobody</b>").status_code == 400


def test_a_name_that_points_here_from_elsewhere_is_refused(person):
    answer = person.http.get(f"{person.issuer}/authorize", headers={"Host": "evil.example"})
    assert answer.status_code == 421


def test_forms_have_bounds(person):
    large = {"grant_type": "refresh_token", "refresh_token": "x" * MAX_FORM}
    assert person.http.post(f"{person.issuer}/token", data=large).status_code == 413
    many = {f"f{number}": "x" for number in range(200)}
    assert person.http.post(f"{person.issuer}/token", data=many).json()["error"] == "invalid_request"
    assert person.http.post(f"{person.issuer}/token", json={}).status_code == 415


_TEXT = st.text(max_size=30) | st.sampled_from(
    ["code", "refresh_token", SOLUTION.client_id, CALLBACK, '"', "\x00", "é"]
)
_NAMES = st.sampled_from(
    [
        "grant_type",
        "client_id",
        "client_secret",
        "code",
        "code_verifier",
        "refresh_token",
        "redirect_uri",
        "scope",
        "response_type",
        "state",
        "nonce",
        "prompt",
        "token",
        "token_type_hint",
        "code_challenge",
    ]
)


@settings(max_examples=60, deadline=None)
@given(pairs=st.lists(st.tuples(_NAMES, _TEXT), max_size=8), basic=st.none() | st.text(max_size=20))
def test_no_request_makes_it_fail(server, pairs, basic):
    headers = {} if basic is None else {"Authorization": f"Basic {basic}"}
    authorization = server.desk.authorization
    for answer in (authorization.token, authorization.revoke):
        made = answer(Ask("POST", headers, form=pairs))
        assert made.status_code in {200, 400, 401}
        assert "access_token" not in bytes(made.body).decode()


@settings(max_examples=60, deadline=None)
@given(uri=st.text(max_size=40) | st.from_regex(r"https?://[a-z0-9.@:\[\]-]{1,20}(/[a-z#?]*)?", fullmatch=True))
def test_only_this_machine_is_loopback(uri):
    if Client(SOLUTION).check_redirect_uri(uri):
        assert httpx.URL(uri).host in {"127.0.0.1", "localhost", "::1"}


def test_openings_are_checked():
    for wrong in (
        {"cors": ("app.example",)},
        {"public_url": "sandbox"},
        {"public_url": "https://a/b"},
        {"redirect_uris": ("https://a/#b",)},
    ):
        with pytest.raises(UsageError, match="--"):
            Opening(**wrong)
    assert Opening(cors=("*", "http://localhost:3000")).cors


def test_tokens_that_ended_are_swept_out(monkeypatch):
    monkeypatch.setattr("harness.sandbox.measures.tokens._ROOM", 2)
    now = [1000.0]
    office = TokenOffice(clock=lambda: now[0])
    for _ in range(3):
        office.access_token(SOLUTION, "p", 60)
    newest = office.access_token(SOLUTION, "p", 60)
    assert office.grant(newest).idpe == "p"
    assert len(vars(office)["_grants"]) == 2, "there is no room for more"
    now[0] += 61
    office.access_token(SOLUTION, "p", 60)
    assert len(vars(office)["_grants"]) == 1


def test_validating_does_not_load_the_authorization_server():
    code = "import sys, harness.cli.validate; sys.exit('authlib' in sys.modules or 'starlette' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
