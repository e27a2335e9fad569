"""candidate.yaml: what it may hold, and where its faults are."""

import base64
import copy
import json
import tempfile
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from harness.engine.candidate import Candidate, Limits
from harness.engine.candidate_file import schema
from harness.errors import UsageError

FULL = """\
base-url: https://fhir.example/r4/
software: {publisher: ACME, product: Mesures, version: "2.1", reference: C-1}
identities:
  default:
    bearer: ${ACCESS}
    id-token: {header: X-Id-Token, value: "${ID}"}
    identifier: {system: "urn:oid:1.2.250.1.213.1.4.10", value: "299017812345665"}
    name: {family: TEST}
  doctor:
    basic: {user: doc, password: open-sesame}
    token: urn:x|7
headers: {X-Tenant: north}
tls: {verify: false}
limits: {connect: 2.5, body: 1000}
policy: {offset-unit: row, x-own: 7}
"""


@pytest.fixture
def full(tmp_path, monkeypatch):
    monkeypatch.setenv("ACCESS", "access-123456")
    monkeypatch.setenv("ID", "id-token-123456")
    path = tmp_path / "candidate.yaml"
    path.write_text(FULL, encoding="utf-8")
    return Candidate.from_file(path)


def test_everything_is_read(full):
    assert full.base_url == "https://fhir.example/r4"
    assert full.software["reference"] == "C-1"
    assert full.limits == Limits(connect=2.5, body=1000)
    assert full.policy == {"offset-unit": "row", "x-own": 7}
    assert (full.policies["offset-unit"], full.policies["x-own"], full.policies["error-codes"]) == ("row", 7, "either")
    assert full.tls.verify is False
    assert full.credentials(None) == (
        ("X-Tenant", "north"),
        ("Authorization", "Bearer access-123456"),
        ("X-Id-Token", "id-token-123456"),
    )
    basic = base64.b64encode(b"doc:open-sesame").decode()
    assert full.credentials("doctor") == (("X-Tenant", "north"), ("Authorization", f"Basic {basic}"))
    assert full.credentials("none") == (("X-Tenant", "north"),)


def test_test_sets_read_attributes_and_no_credentials(full):
    identities = full.scope()["identities"]
    assert identities["default"]["token"] == "urn:oid:1.2.250.1.213.1.4.10|299017812345665"
    assert identities["doctor"] == {"token": "urn:x|7"}
    assert "bearer" not in identities["default"]
    assert "open-sesame" not in json.dumps(full.scope())


def test_the_record_holds_no_secret_and_can_be_read_again(full):
    recorded = full.redacted()
    text = json.dumps(recorded)
    for secret in ("access-123456", "id-token-123456", "open-sesame"):
        assert secret not in text
        assert secret not in repr(full)
    again = Candidate.of(recorded)
    assert again.redacted() == recorded
    assert again.credentials(None)[1] == ("Authorization", "Bearer «redacted:identities.default.bearer»")


def test_an_unknown_identity_is_named(full):
    with pytest.raises(UsageError, match='no identity "docter"; did you mean "doctor"'):
        full.credentials("docter")


def test_known_by_its_address():
    candidate = Candidate.at("http://127.0.0.1:8080/fhir", "s3cret-token", {"X-Tenant": "n"})
    assert candidate.credentials(None) == (("X-Tenant", "n"), ("Authorization", "Bearer s3cret-token"))
    assert candidate.scope()["identities"]["default"]["identifier"]["system"].endswith("1.2.250.1.213.1.4.10")
    assert "s3cret-token" not in json.dumps(candidate.redacted())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("base-url: https://x.example\nidentites: {}\n", ':2:1: identites: unknown key; did you mean "identities"?'),
        ("base-url: https://x.example\nlimits:\n  conect: 1\n", ":3:3: limits.conect: unknown key; did you mean"),
        ("software: {}\n", "base-url is missing"),
        ("base-url: ftp://x.example\n", ':1:11: base-url: "ftp://x.example" is not an address'),
        ("base-url: https://u:p@x.example\n", "write them under identities"),
        ("base-url: http://\n", "is not an address"),
        ("base-url: http://x.example:port\n", "is not an address"),
        ("base-url: https://x.example\nlimits: {body: a lot}\n", "limits.body: must be a whole number, found a text"),
        ("base-url: ${NOT_SET_ANYWHERE}\n", "the environment variable NOT_SET_ANYWHERE is not set"),
        ("base-url: https://x.example\nbase-url: https://y.example\n", "second time"),
        ("base-url: [\n", "not YAML"),
        ("base-url: https://x.example\nidentities: {none: {}}\n", 'the name "none" is kept'),
        ("base-url: https://x.example\nidentities: {a: {}}\ndefault-identity: b\n", 'no identity is called "b"'),
        ("base-url: https://x.example\nheaders: {'X A': b}\n", "is not the name of a header"),
        ('base-url: https://x.example\nheaders: {X-A: "b\\r\\nC: d"}\n', "holds a character that a header cannot"),
        ("base-url: https://x.example\nidentities: {a: {basic: {user: u}}}\n", "password is missing"),
        ("- 1\n", "must be a table of keys and values, found a list"),
        ("", "must be a table of keys and values, found nothing"),
        (
            "base-url: https://x.example\nsoftware: {version: 2.1}\n",
            "must be a text, found the number 2.1; put it in q",
        ),
        ("base-url: https://x.example\nkind: sever\n", 'kind: must be one of server, client; did you mean "server"?'),
        ("base-url: https://x.example/a b\n", "is not an address"),
        ("base-url: https://x.example/#top\n", "is not an address"),
        (
            "base-url: https://x.example\nlimits: {total: 1e400}\n",
            "limits.total: must be at most 86400, found the number 1E+400",
        ),
        ("base-url: https://x.example\ndefault-identity: b\n", 'no identity is called "b"'),
        ("base-url: https://x.example\nidentities: {a: {bearer: ''}}\n", "identities.a.bearer: is empty"),
        ('base-url: https://x.example\nidentities: {a: {bearer: "t\\n"}}\n', "a.bearer: begins or ends with a space"),
        ("base-url: https://x.example\nidentities: {a: {bearer: t€}}\n", "a.bearer: holds a character"),
        ("base-url: https://x.example\nidentities: {a: {id-token: {header: X Y, value: t}}}\n", "name of a header"),
        (
            "base-url: https://x.example\nidentities: {a: {bearer: t, basic: {user: u, password: p}}}\n",
            "identities.a.basic: bearer and basic: a request has one Authorization header",
        ),
        ("base-url: https://x.example\ntls: {key: k.pem}\n", "tls.key: needs tls.certificate"),
        ("base-url: https://x.example\ntls: {pkcs12: p, certificate: c}\n", "in place of certificate and key"),
        ('base-url: "\\e[31m"\n', '"\\u001b[31m" is not an address'),
    ],
)
def test_faults_say_where_and_what(tmp_path, content, message):
    path = tmp_path / "candidate.yaml"
    path.write_text(content, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        Candidate.from_file(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(str(path))


def test_a_missing_file(tmp_path):
    with pytest.raises(UsageError, match="cannot be read"):
        Candidate.from_file(tmp_path / "nowhere.yaml")


def test_a_certificate_file_that_is_none(tmp_path):
    (tmp_path / "ca.pem").write_text("nothing", encoding="utf-8")
    path = tmp_path / "candidate.yaml"
    path.write_text("base-url: https://x.example\ntls: {ca: ca.pem}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"ca\.pem: not a PEM file"):
        Candidate.from_file(path).tls.context()


def test_the_schema_is_a_schema():
    schema = json.loads(resources.files("harness.engine").joinpath("candidate.schema.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    assert schema["else"]["required"] == ["base-url"]


ENDPOINTS = """\
base-url: https://fhir.example/r4
identities:
  default: {bearer: first-token, identifier: {value: "1"}}
  doctor: {bearer: doctor-token}
endpoints:
  mes-measures:
    base-url: https://mes.example/measures/
    default-identity: patient
    identities:
      patient: {bearer: patient-token, identifier: {value: "22222"}}
  documents: {base-url: https://documents.example}
"""


@pytest.fixture
def endpoints(tmp_path):
    path = tmp_path / "candidate.yaml"
    path.write_text(ENDPOINTS, encoding="utf-8")
    return Candidate.from_file(path)


def test_an_endpoint_is_the_candidate_at_another_address(endpoints):
    measures = endpoints.endpoint("mes-measures")
    assert measures.base_url == measures.scope()["base-url"] == "https://mes.example/measures"
    assert measures.credentials(None) == (("Authorization", "Bearer patient-token"),)
    assert measures.credentials("doctor") == (("Authorization", "Bearer doctor-token"),)
    assert endpoints.endpoint("documents").credentials(None) == (("Authorization", "Bearer first-token"),)
    assert endpoints.endpoint(None) is endpoints
    assert endpoints.endpoint("calendars") is None


def test_secrets_of_endpoints_are_redacted(endpoints):
    recorded = json.dumps(endpoints.with_hidden_identities().redacted())
    assert "patient-token" not in recorded
    assert "22222" not in recorded
    again = Candidate.of(json.loads(recorded)).endpoint("mes-measures")
    shown = "«redacted:endpoints.mes-measures.identities.patient.bearer»"
    assert again.credentials(None) == (("Authorization", f"Bearer {shown}"),)


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("base-url: ftp://x", r"candidate.yaml:3:\d+: endpoints.mes.base-url: .* is not an address"),
        ("base-url: 'http://a:b@x'", "endpoints.mes.base-url: holds a user name"),
        ("base-url: 'http://x', default-identity: doc, identities: {doctor: {}}", 'did you mean "doctor"'),
        ("identities: {}", "endpoints.mes: base-url is missing"),
    ],
)
def test_faults_of_endpoints_are_named(tmp_path, endpoint, said):
    path = tmp_path / "candidate.yaml"
    path.write_text(f"base-url: http://x\nendpoints:\n  mes: {{{endpoint}}}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=said):
        Candidate.from_file(path)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (
            "policy: {ofset-unit: row}",
            r'candidate.yaml:2:10: policy.ofset-unit: there is no policy.*mean "offset-unit"',
        ),
        (
            "policy: {offset-unit: rows}",
            'candidate.yaml:2:23: policy.offset-unit: must be one of page, row.*mean "row"',
        ),
    ],
)
def test_policies_are_looked_at(tmp_path, line, message):
    path = tmp_path / "candidate.yaml"
    path.write_text(f"base-url: https://fhir.example\n{line}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=message):
        Candidate.from_file(path)


def test_policies_are_read_with_their_defaults(monkeypatch):
    monkeypatch.setenv("UNIT", "row")
    token = {"id-token": {"value": "abc"}}
    policy = {"offset-unit": "${UNIT}", "id-token-header": "X-Id", "x-own": 1}
    found = Candidate.of({"base-url": "https://fhir.example", "identities": {"default": token}, "policy": policy})
    assert found.credentials(None) == (("X-Id", "abc"),)
    assert found.scope()["policy"]["offset-unit"] == "row"
    assert found.scope()["policy"]["forbidden-patch"] == "any"
    assert found.scope()["means"]["offset-unit"] == {"second-page-of-two": 2}
    assert "row" not in found.secrets.values()
    assert Candidate.of(found.redacted()).policies == found.policies


AT = {"base-url": "https://x.example/r4"}
TOKENS = {"grant": "client-credentials", "token-url": "https://x.example/t?p=1", "client-id": "c"}


@pytest.mark.parametrize(
    ("content", "good"),
    [
        (AT, True),
        ({"base-url": "HTTP://x.example:8080/a/"}, True),
        ({"base-url": "ftp://x.example"}, False),
        ({"base-url": "https://x.example/?a=b"}, False),
        ({"base-url": ""}, False),
        ({**AT, "proxy": "proxy.example:3128"}, False),
        ({**AT, "endpoints": {"m": {"base-url": "nowhere"}}}, False),
        ({**AT, "sandbox": {}}, False),
        ({**AT, "tls": {"key": "k.pem"}}, False),
        ({**AT, "tls": {"pkcs12": "a.p12", "certificate": "c.pem"}}, False),
        ({**AT, "tls": {"pkcs12": "a.p12", "password": "p"}}, True),
        ({**AT, "headers": {"X Y": "a"}}, False),
        ({**AT, "identities": {"none": {}}}, False),
        ({**AT, "policy": {"forbidden-patch": 405}}, True),
        ({**AT, "policy": {"forbidden-patch": 406}}, False),
        ({**AT, "identities": {"a": {"oauth": TOKENS}}}, True),
        ({**AT, "identities": {"a": {"oauth": {**TOKENS, "grant": "authorization-code"}}}}, False),
        ({**AT, "identities": {"a": {"oauth": {**TOKENS, "client-secret": "s", "private-key": "k.pem"}}}}, False),
        ({**AT, "identities": {"a": {"oauth": {**TOKENS, "client-authentication": "client_secret_post"}}}}, False),
    ],
)
def test_the_schema_for_editors_takes_what_the_reader_takes(content, good):
    assert Draft202012Validator(schema()).is_valid(content) is good
    if good:
        assert Candidate.of(content)
    else:
        with pytest.raises(UsageError):
            Candidate.of(content)


def test_an_address_that_the_environment_gives_is_one_for_editors():
    assert Draft202012Validator(schema()).is_valid({"base-url": "${SERVICE}/fhir", "proxy": "${PROXY}"})


def test_the_schema_for_editors_knows_every_policy():
    told = schema()["properties"]["policy"]["properties"]
    assert told["forbidden-patch"]["enum"] == ["any", 405, 422]
    assert told["offset-unit"]["default"] == "page"


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        ('basic: {user: u, password: "canary\\n"}', "basic.password: holds a line end"),
        ('basic: {user: "u\\r", password: canary}', "basic.user: holds a line end"),
        ('basic: {user: "u:v", password: canary}', "basic.user: holds a colon"),
        (
            'oauth: {grant: client-credentials, token-url: "http://x.fr", client-id: c, client-secret: "canary\\n"}',
            "oauth.client-secret: holds a line end",
        ),
    ],
)
def test_a_line_end_at_the_end_of_a_secret_is_told(tmp_path, credentials, message):
    path = tmp_path / "candidate.yaml"
    path.write_text(f"base-url: https://x.example\nidentities:\n  a:\n    {credentials}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"candidate\.yaml:4:") as caught:
        Candidate.from_file(path)
    assert message in str(caught.value)
    assert "canary" not in str(caught.value)


OAUTH = """base-url: https://x.example
identities:
  a:
    oauth: {grant: client-credentials, token-url: "https://x.example/t", client-id: c%s}
"""


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (', redirect-uri: "http://[::1"', "oauth.redirect-uri: is not an http address of this machine"),
        (", redirect-uri: https://localhost/", "oauth.redirect-uri: is not an http address of this machine"),
        (", redirect-uri: http://elsewhere.example/", "oauth.redirect-uri: is not an http address of this machine"),
        (", client-secret: s, private-key: k.pem", "client-secret and private-key: keep one of them"),
        (", client-secret: ''", "oauth.client-secret: is empty"),
        (", client-authentication: client_secret_post", "says how client-secret is sent, and there is none"),
        (", id-token-header: X Y", "is not the name of a header"),
        (", algorithm: RS265", 'did you mean "RS256"?'),
    ],
)
def test_faults_of_oauth_say_where_and_what(tmp_path, more, message):
    path = tmp_path / "candidate.yaml"
    path.write_text(OAUTH % more, encoding="utf-8")
    with pytest.raises(UsageError) as caught:
        Candidate.from_file(path)
    assert message in str(caught.value)
    assert str(caught.value).startswith(f"{path}:4:")


WHOLE = {
    "kind": "server",
    "base-url": "https://x.example/fhir",
    "software": {"publisher": "p", "version": "1"},
    "identities": {"a": {"bearer": "t", "identifier": {"system": "s", "value": "v"}, "headers": {"X-A": "b"}}},
    "default-identity": "a",
    "endpoints": {
        "e": {"base-url": "https://e.example", "identities": {"b": {"basic": {"user": "u", "password": "p"}}}}
    },
    "tls": {"verify": True, "ca": "ca.pem"},
    "proxy": "http://proxy.example:3128",
    "limits": {"connect": 1, "body": 1, "rate": 1},
    "policy": {"forbidden-patch": 405},
}
PLACES = [
    ("/".join(place), place)
    for place in (
        (),
        ("kind",),
        ("base-url",),
        ("software",),
        ("software", "version"),
        ("identities",),
        ("identities", "a"),
        ("identities", "a", "bearer"),
        ("identities", "a", "identifier"),
        ("identities", "a", "headers"),
        ("default-identity",),
        ("endpoints",),
        ("endpoints", "e"),
        ("endpoints", "e", "base-url"),
        ("endpoints", "e", "identities", "b", "basic"),
        ("tls",),
        ("tls", "verify"),
        ("tls", "ca"),
        ("proxy",),
        ("limits",),
        ("limits", "connect"),
        ("limits", "rate"),
        ("policy",),
        ("policy", "forbidden-patch"),
    )
]
WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.just(10**400),
    st.floats(),
    st.text(max_size=12),
    st.just([]),
    st.just(["a"]),
    st.just({}),
    st.just({"b": 1}),
    st.sampled_from(("http://[::1", "http://h:0/", "${NOT_SET_ANYWHERE}")),
)


@given(st.sampled_from(PLACES), WRONG)
def test_whatever_stands_there_it_is_read_or_named(place, value):
    content = copy.deepcopy(WHOLE)
    holder = content
    for name in place[1][:-1]:
        holder = holder[name]
    if place[1]:
        holder[place[1][-1]] = value
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "candidate.yaml"
        path.write_text(json.dumps(content if place[1] else value), encoding="utf-8")
        try:
            found = Candidate.from_file(path)
        except UsageError as problem:
            assert str(problem).startswith(f"{path}:")
            assert all(character.isprintable() or character == "\n" for character in str(problem))
        else:
            assert Candidate.of(found.redacted()).redacted() == found.redacted()


def test_what_a_proxy_is_shown_is_secret_as_it_is_sent():
    proxied = Candidate.of({"base-url": "https://x.example", "proxy": "http://u:p%40ss@proxy.example:3128"})
    redactor = proxied.redactor()
    sent = base64.b64encode(b"u:p@ss").decode()
    assert redactor.text(f"Proxy-Authorization: Basic {sent}") == "Proxy-Authorization: Basic «redacted:proxy»"
    shown = proxied.redacted()["proxy"]
    assert shown == "http://«redacted:userinfo»@proxy.example:3128"
    assert Candidate.of(proxied.redacted()).redacted()["proxy"] == shown
    assert Candidate.of({"base-url": "https://x.example", "proxy": "http://proxy.example"}).secrets == {}
