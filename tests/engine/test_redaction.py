"""Nothing secret survives capture."""

import base64
import json
import tracemalloc
from unittest import mock
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness.engine.exchange import Request, Response
from harness.engine.redaction import Redactor, mark

_CHARACTERS = st.characters(min_codepoint=33, max_codepoint=0x17F, blacklist_characters="«»\x7f")
SECRETS = st.text(_CHARACTERS, min_size=4, max_size=24)
TEXTS = st.text(st.characters(blacklist_categories=("Cs",), blacklist_characters="«»"), max_size=40)

FORMS = {
    "plain": lambda s: s,
    "percent": lambda s: quote(s, safe=""),
    "percent, slash kept": quote,
    "plus": quote_plus,
    "percent, lower case": lambda s: quote(s, safe="").lower() if s == s.lower() else quote(s, safe=""),
    "JSON, ASCII": lambda s: json.dumps(s)[1:-1],
    "JSON": lambda s: json.dumps(s, ensure_ascii=False)[1:-1],
    "base64": lambda s: base64.b64encode(s.encode()).decode(),
    "hexadecimal": lambda s: s.encode().hex(),
    "hexadecimal, in capitals": lambda s: s.encode().hex().upper(),
    "base64, for URLs": lambda s: base64.urlsafe_b64encode(s.encode()).decode().rstrip("="),
}


def own_words(secret: str) -> bool:
    """The mark itself holds these: such a secret cannot be told from its own mark."""
    return any(form(secret).lower() in mark("canary") for form in FORMS.values())


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS.keys())
@given(secret=SECRETS, before=TEXTS, after=TEXTS)
def test_no_form_of_a_secret_survives(form, secret, before, after):
    assume(not own_words(secret))
    hidden = Redactor({"canary": secret}).text(before + form(secret) + after)
    assert form(secret) not in hidden
    assert mark("canary") in hidden or mark("userinfo") in hidden or "redacted" in hidden


@given(secret=SECRETS, before=TEXTS, after=TEXTS)
def test_redacting_twice_is_redacting_once(secret, before, after):
    redactor = Redactor({"canary": secret})
    for redact in (redactor.text, redactor.url, lambda text: redactor.body(text.encode())):
        once = redact(before + secret + after)
        again = redact(once) if isinstance(once, str) else redactor.body(once)
        assert again == once


@given(secret=SECRETS)
def test_every_field_of_an_exchange(secret):
    assume(not own_words(secret))
    redactor = Redactor({"canary": secret})
    coded = quote(secret, safe="")
    request = redactor.request(
        Request(
            "POST",
            f"https://user:{coded}@fhir.example/Patient?name={coded}&access_token=abc",
            (("Authorization", f"Bearer {secret}"), ("X-Other", secret)),
            json.dumps({"text": secret}).encode(),
        )
    )
    response = redactor.response(
        Response(200, (("Location", f"https://fhir.example/x?{coded}"), ("Set-Cookie", "a=b")), secret.encode())
    )
    for field in (request.url, str(request.headers), request.body.decode(), str(response.headers)):
        assert secret not in field
        assert coded not in field
    assert secret.encode() not in response.body
    assert "a=b" not in str(response.headers)


def test_authorization_keeps_its_scheme_and_every_unknown_credential_goes():
    headers = Redactor({}).headers(
        (
            ("authorization", "Bearer eyJhbGciOi.x.y"),
            ("X-API-Key", "12345"),
            ("X-Id-Token", "eyJ"),
            ("WWW-Authenticate", 'Bearer realm="x"'),
            ("ETag", 'W/"1"'),
        )
    )
    assert headers == (
        ("authorization", "Bearer «redacted:authorization»"),
        ("X-API-Key", "«redacted:x-api-key»"),
        ("X-Id-Token", "«redacted:x-id-token»"),
        ("WWW-Authenticate", 'Bearer realm="x"'),
        ("ETag", 'W/"1"'),
    )


def test_members_and_parameters_with_the_name_of_a_secret():
    redactor = Redactor({})
    body = redactor.body(b'{"access_token": "abc\\"d", "token_type": "Bearer", "id": "7"}')
    assert json.loads(body) == {"access_token": mark("access_token"), "token_type": "Bearer", "id": "7"}
    form = redactor.request(
        Request(
            "POST",
            "https://x.example/token",
            (("Content-Type", "application/x-www-form-urlencoded"),),
            b"grant_type=client_credentials&client_secret=s%20t",
        )
    )
    assert form.body.decode() == f"grant_type=client_credentials&client_secret={mark('client_secret')}"
    assert redactor.url("https://x.example/Patient?name=a&id_token=b") == (
        f"https://x.example/Patient?name=a&id_token={mark('id_token')}"
    )


def test_a_secret_inside_of_longer_base64():
    secret = "correct-horse"
    for user in ("a", "ab", "abc", "abcd"):
        coded = base64.b64encode(f"{user}:{secret}".encode()).decode()
        hidden = Redactor({"canary": secret}).text(f"value={coded}")
        assert coded not in hidden
        assert mark("canary") in hidden


def test_json_stays_json_when_the_secret_is_a_number():
    body = Redactor({"pin": "123456"}).body(b'{"pin": 123456, "n": [1.50, true, null]}')
    assert json.loads(body) == {"pin": mark("pin"), "n": [1.5, True, None]}


def test_bytes_that_are_not_text_stay():
    data = bytes(range(256))
    assert Redactor({"canary": "not-there"}).body(data) == data
    assert (
        Redactor({"canary": "hidden-one"}).body(b"\xff\xfehidden-one\x00")
        == b"\xff\xfe" + mark("canary").encode() + b"\x00"
    )


def test_the_mark_comes_back_from_a_url():
    redactor = Redactor({})
    assert redactor.url("https://x.example/Patient?identifier=a%7C" + quote(mark("identities.default.bearer"))) == (
        "https://x.example/Patient?identifier=a%7C" + mark("identities.default.bearer")
    )


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["run", "--token", "abcdef"], ("run", "--token", "«redacted:token»")),
        (["--client-secret=abcdef"], ("--client-secret=«redacted:client-secret»",)),
        (["-H", "Authorization: Bearer abcdef"], ("-H", "Authorization: Bearer «redacted:authorization»")),
        (["--base-url", "https://u:p@x.example/fhir"], ("--base-url", "https://«redacted:userinfo»@x.example/fhir")),
        (["x-canary-x"], ("x-«redacted:name»-x",)),
    ],
)
def test_command_lines(arguments, expected):
    assert Redactor({"name": "canary"}).command(arguments) == expected


@pytest.mark.parametrize("name", ["X-Api-Key", "Authorization", "Cookie"])
def test_a_secret_of_several_words_is_hidden_whole(name: str) -> None:
    value = "Bearer word-one word-two" if name == "Authorization" else "word-one word-two"
    shown = dict(Redactor({}).headers(((name, value),)))[name]
    assert "word-one" not in shown
    assert "word-two" not in shown


ESCAPES = {
    "every character": lambda s: "".join(f"\\u{ord(c):04x}" for c in s),
    "capitals": lambda s: "".join(f"\\u{ord(c):04X}" for c in s),
    "what .NET escapes": lambda s: "".join(f"\\u{ord(c):04X}" if c in "+=<>&'`\"\\" or c > "~" else c for c in s),
    "XML, hexadecimal": lambda s: "".join(f"&#x{ord(c):x};" for c in s),
    "XML, decimal": lambda s: "".join(f"&#{ord(c)};" for c in s),
}


@pytest.mark.parametrize("spell", ESCAPES.values(), ids=ESCAPES.keys())
@given(secret=st.text(st.characters(min_codepoint=48, max_codepoint=0x17F, categories=("L", "N")), min_size=4))
def test_no_spelling_of_a_secret_survives(spell, secret):
    assume(not own_words(secret))
    redactor = Redactor({"canary": secret})
    body = redactor.body(f'{{"text": "before {spell(secret)} after"}}'.encode())
    assert json.loads(body) == {"text": f"before {mark('canary')} after"}
    assert redactor.body(body) == body


def test_escapes_that_hide_nothing_stay_as_they_were():
    body = rb'{"a": "\u00e9\u0041", "b": "\\u0041", "c": "\ud800", "d": "&#65;"}'
    assert Redactor({"canary": "canary-value"}).body(body) == body


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_a_secret_is_found_in_the_encoding_that_json_has(encoding):
    body = Redactor({"canary": "canary-value"}).body('{"a": "canary-value"}'.encode(encoding))
    assert json.loads(body) == {"a": mark("canary")}


def test_a_secret_that_came_back_as_a_headers_name():
    sent = (("canary-value", "x"), ("x-canary-value-2", "y"), ("canary-value-token", "z"))
    headers = Redactor({"canary": "Canary-Value"}).headers(sent)
    assert headers == ((mark("canary"), "x"), (mark("canary"), "y"), (mark("canary"), mark("header")))


@pytest.mark.parametrize(
    ("url", "hidden"),
    [
        ("https://a.example/x?code=abcd&state=efgh", "abcd"),
        ("https://a.example/x;jsessionid=abcd", "abcd"),
        ("https://a.example/x?sig=abcd&se=2030", "abcd"),
        ("https://a.example/x?X-Amz-Signature=abcd", "abcd"),
    ],
)
def test_credentials_that_nobody_told_of_in_an_address(url, hidden):
    assert hidden not in Redactor({}).url(url)


def test_a_code_that_is_searched_for_is_no_credential():
    url = "https://a.example/Observation?code=http://loinc.org%7C29463-7&patient=1"
    assert Redactor({}).url(url) == url


@pytest.mark.parametrize("name", ["Ocp-Apim-Subscription-Key", "X-Functions-Key", "X-Session-Id", "X-Amz-Signature"])
def test_keys_that_nobody_told_of_are_hidden_by_their_header(name):
    assert Redactor({}).headers(((name, "abcd"),)) == ((name, mark(name)),)


def test_what_a_certificate_is_made_of_is_no_secret():
    told = (("TLS-Certificate-Key", "RSA 2048"), ("TLS-Certificate-Signature", "sha256"))
    assert Redactor({}).headers(told) == told


@pytest.mark.parametrize(
    "body",
    [b'"password": "aaaa", ' * 20_000, b"token=a&" * 20_000, b"://a@b " * 20_000, b"canary-secret" * 20_000],
    ids=["members", "parameters", "user information", "what is known"],
)
def test_a_body_full_of_secrets_is_hidden_whole(body):
    redactor = Redactor({"canary": "canary-secret"})
    assert redactor.body(body).decode() == mark("too-many-secrets")
    whole = b"[" + b'{"password": "aaaa"}, ' * 20_000 + b"1]"
    assert redactor.body(whole).decode() == mark("too-many-secrets")


def test_a_long_secret_takes_no_more_memory_than_a_few_copies():
    body = b'{"password": "' + b"a" * 2_000_000 + b'"}'
    tracemalloc.start()
    try:
        hidden = Redactor({}).body(body)
        assert tracemalloc.get_traced_memory()[1] < 6 * len(body)
    finally:
        tracemalloc.stop()
    assert hidden.decode() == f'{{"password": "{mark("password")}"}}'


@given(st.lists(st.sampled_from(["a=b", "code=abcd1234", "x=canary%2Dsecret", "", "state=1"])))
def test_a_long_query_is_redacted_as_a_short_one(parts):
    redactor = Redactor({"canary": "canary-secret"})
    whole = redactor.url("?" + "&".join(parts))
    with mock.patch("harness.engine.redaction._BLOCK", 4):
        assert redactor.url("?" + "&".join(parts)) == whole


def test_an_escape_that_is_cut_short_is_left_alone() -> None:
    text = Redactor({"token": "s3cret-value"}).text("\\u00\\u001b\\u00\\u0073\\u0033cret-value\\u00")
    assert text == f"\\u00\\u001b\\u00{mark('token')}\\u00"


def test_single_escapes_are_read_as_a_parser_reads_them() -> None:
    escapes = ["\\u0041", "\\u00e9", "\\u0022", "\\u005c", "\\u0000", "\\ud83d\\ude00", "\\ud800", "\\u0041\\u0042"]
    secret = json.loads('"' + "".join(f"-{one}" for one in escapes[:3]) + '"')
    body = json.dumps({"a": "canary-Aé9"}).replace("A", "\\u0041").encode()
    assert b"canary" not in Redactor({"token": "canary-Aé9"}).body(body)
    for escape in escapes:
        text = f'{{"a": "-{escape}-", "b": "canary\\u002d77"}}'
        redacted = Redactor({"token": "canary-77", "other": secret}).text(text)
        assert json.loads(redacted)["a"] == json.loads(text)["a"]
        assert "«redacted:token»" in redacted
