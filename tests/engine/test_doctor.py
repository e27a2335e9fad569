"""The doctor: each thing on the way to a candidate, said with what to do about it."""

import asyncio
import gc
import json
import string

import pytest
import respx
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import NoEncryption, pkcs12

from harness.cli import main
from harness.engine import doctor
from harness.engine.candidate import Candidate
from harness.engine.diagnosis import DIAGNOSES, State
from harness.engine.doctor import examine
from tests.engine.proxy import Proxy
from tests.engine.test_handshake import BlockingServer, lax
from tests.engine.threaded import Threaded
from tests.engine.tls import DAY, NOW, Authority, TLSServer, server_context

# Of handshakes that are refused, the TLS of asyncio may leave the connection below to the collector, which warns of it.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def _collected():
    yield
    gc.collect()  # here, and not in a test of others


GOOD = {"resourceType": "CapabilityStatement", "fhirVersion": "4.0.1", "format": ["json"]}


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def look(show=None, **content):
    """The diagnoses of a candidate with this file."""

    async def collect():
        return [one async for one in examine(Candidate.of(content), show or (lambda address: None))]

    return asyncio.run(collect())


def states(found):
    return {one.name: one.state.value for one in found}


def without_server():
    with TLSServer(None) as server:
        return server.url


def test_every_text_is_there_in_both_languages_with_the_same_places():
    for code, texts in DIAGNOSES.items():
        for kind in ("found", "advice"):
            places = [{name for _, name, _, _ in string.Formatter().parse(texts[kind][lang])} for lang in ("en", "fr")]
            assert places[0] == places[1], code
            assert bool(texts[kind]["en"]) == bool(texts[kind]["fr"]), code
        fine = code.endswith(".ok")
        assert fine or texts["advice"]["en"] or code in ("files", "token"), code  # these errors say what to do


def test_a_name_that_is_none():
    found = look(**{"base-url": "https://nowhere.invalid/fhir"})
    assert states(found) == {"dns": "fail"}
    assert "base-url" in found[0].advice("en")


@pytest.mark.parametrize(
    ("issue", "code"),
    [
        ({"ends": NOW - 100 * DAY, "begins": NOW - 200 * DAY}, "tls.expired"),
        ({"begins": NOW + DAY}, "tls.not-yet"),
        ({"hosts": ("elsewhere.example",)}, "tls.name"),
        ({"ends": NOW + 5 * DAY}, "tls.soon"),
        ({}, "tls.ok"),
    ],
)
def test_what_is_wrong_with_a_certificate(authority, issue, code):
    hosts = issue.pop("hosts", ())
    with TLSServer(server_context(authority.issue(*hosts, **issue))) as server:
        found = look(**{"base-url": server.url, "tls": {"ca": str(authority.ca)}})
    assert code in [one.code for one in found]
    assert found[2].name == "tls"
    assert len(found) == (3 if found[2].state is State.FAIL else 6)


def test_an_authority_that_is_not_known_and_a_check_that_is_off(authority, tmp_path):
    with TLSServer(server_context(authority.issue())) as server:
        unknown = look(**{"base-url": server.url})
        unchecked = look(**{"base-url": server.url, "tls": {"verify": False}})
    assert [one.code for one in unknown][-1] == "tls.chain"
    assert "tls.ca" in unknown[-1].advice("en")
    assert states(unchecked)["tls"] == "warn"
    assert states(unchecked)["metadata"] == "ok"


def test_a_certificate_of_ours_that_is_wanted_or_unwelcome(authority, tmp_path):
    (tmp_path / "other").mkdir()
    ours = Authority(tmp_path / "other", "Other authority").issue("client")
    tls = {"ca": str(authority.ca)}
    with BlockingServer(server_context(authority.issue(), authority.ca)) as server:
        without = look(**{"base-url": server.url, "tls": tls})
        tls |= {"certificate": str(ours.cert_file), "key": str(ours.key_file)}
        foreign = look(**{"base-url": server.url, "tls": tls})
    assert (without[-1].code, foreign[-1].code) == ("tls.wanted", "tls.unwelcome")
    assert "certificate_required" in without[-1].found("en")
    assert "unknown_ca" in foreign[-1].found("fr")


def test_a_file_of_ours_is_looked_at_first(tmp_path):
    found = look(**{"base-url": "https://nowhere.invalid/fhir", "tls": {"pkcs12": str(tmp_path / "none.p12")}})
    assert [one.code for one in found] == ["files"]
    assert "mend tls.pkcs12" in found[0].found("en")
    assert "corriger tls.pkcs12" in found[0].found("fr")


@pytest.mark.parametrize("kind", ["pem", "pkcs12"])
@pytest.mark.parametrize(
    ("issue", "code"),
    [
        ({"ends": NOW - DAY}, "certificate.expired"),
        ({"begins": NOW + DAY}, "certificate.not-yet"),
        ({"ends": NOW + 5 * DAY}, "certificate.soon"),
        ({}, None),
    ],
)
def test_the_dates_of_a_certificate_of_ours_are_looked_at(authority, tmp_path, kind, issue, code):
    ours = authority.issue("client.example", **issue)
    tls = {"certificate": str(ours.cert_file), "key": str(ours.key_file)}
    if kind == "pkcs12":
        data = pkcs12.serialize_key_and_certificates(b"c", ours.key, ours.certificate, None, NoEncryption())
        (tmp_path / "ours.p12").write_bytes(data)
        tls = {"pkcs12": str(tmp_path / "ours.p12")}
    found = look(**{"base-url": "https://nowhere.invalid/fhir", "tls": tls})
    assert [(one.name, one.state, one.code) for one in found[:-1]] == ([("certificate", "warn", code)] if code else [])
    assert found[-1].code == "dns"


def test_a_chain_that_is_weak_or_trusted_in_its_middle(authority):
    weak = authority.issue(key=rsa.generate_private_key(65537, 1024))
    with BlockingServer(lax(weak)) as server:
        found = look(**{"base-url": server.url, "tls": {"ca": str(authority.ca)}})
    assert found[-1].code == "tls.weak"
    assert {code: doctor._CERTIFICATE_FAULTS[code] for code in (2, 20)} == dict.fromkeys((2, 20), "tls.chain")


def test_a_name_is_looked_for_where_names_of_certificates_stand(authority):
    with TLSServer(server_context(authority.issue("localhost", names=()))) as server:
        found = look(**{"base-url": server.url, "tls": {"ca": str(authority.ca)}})
    assert found[-1].code == "tls.name"


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"<html>", b"200 OK", "metadata.other"),
        (b'<CapabilityStatement xmlns="http://hl7.org/fhir"/>', b"200 OK", "metadata.xml"),
        (b"{}", b"401 Unauthorized", "metadata.refused"),
        (b"", b"404 Not Found", "metadata.absent"),
        (b"", b"503 Service Unavailable", "metadata.broken"),
        (b"", b"302 Found", "metadata.moved"),
        (json.dumps({**GOOD, "fhirVersion": "5.0.0"}).encode(), b"200 OK", "fhir-version.other"),
        (json.dumps({"resourceType": "CapabilityStatement"}).encode(), b"200 OK", "fhir-version.none"),
        (json.dumps({**GOOD, "format": ["xml"]}).encode(), b"200 OK", "formats.no-json"),
        (json.dumps({**GOOD, "format": "json"}).encode(), b"200 OK", "formats.none"),
    ],
)
def test_what_metadata_says(body, status, code):
    with TLSServer(None, b"Location: https://elsewhere.example/fhir/metadata", body=body, status=status) as server:
        found = look(**{"base-url": server.url})
    told = {one.code: one for one in found}
    assert code in told
    assert told[code].advice("en") and told[code].advice("fr")
    if code == "metadata.moved":
        assert "https://elsewhere.example/fhir/metadata" in told[code].found("fr")


def test_an_answer_that_comes_too_late_is_told():
    with Odd(None) as odd:
        found = look(**{"base-url": f"http://127.0.0.1:{odd.port}", "limits": {"read": 0.1}})
    assert [one.code for one in found] == ["dns.ok", "tcp.ok", "metadata.late"]
    assert "limits.read" in found[-1].advice("fr")


def test_a_proxy_is_looked_at_in_place_of_names_and_ports(authority):
    tls = {"ca": str(authority.ca)}
    with TLSServer(server_context(authority.issue())) as server, Proxy("user:p%40ss") as guarded, Proxy() as proxy:
        through = look(**{"base-url": server.url, "tls": tls, "proxy": proxy.url})
        unknown = look(**{"base-url": server.url, "tls": tls, "proxy": guarded.bare})
        closed = look(**{"base-url": without_server().replace("http:", "https:"), "proxy": proxy.url})
    nowhere = look(**{"base-url": "http://fhir.example/r4", "proxy": without_server()})
    nameless = look(**{"base-url": "http://fhir.example/r4", "proxy": "http://nowhere.invalid:3128"})
    assert states(through) == dict.fromkeys(("proxy", "tls", "metadata", "fhir-version", "formats"), "ok")
    ends = [found[-1].code for found in (unknown, closed, nowhere, nameless)]
    assert ends == ["proxy.authentication", "proxy.unreached", "proxy.tcp", "proxy.dns"]


class Odd(Threaded):
    """Is no proxy: answers ``said``, or nothing at all."""

    def __init__(self, said):
        self._said = said
        super().__init__()

    async def _serve(self, reader, writer):
        await reader.read(1)
        if self._said is None:
            await reader.read()
        writer.write(self._said or b"")
        writer.close()


@pytest.mark.parametrize("scheme", ["http", "https"])
@pytest.mark.parametrize("said", [None, b"", b"no HTTP\r\n\r\n", b"220 mail.example ESMTP\r\n\r\n"])
def test_what_is_no_proxy_is_not_asked_to_let_us_through(scheme, said):
    with Odd(said) as odd:
        content = {"base-url": "https://fhir.example/r4", "limits": {"connect": 0.2}}
        found = look(**content, proxy=f"{scheme}://127.0.0.1:{odd.port}")
    ended = said == b"" and scheme == "https"
    assert found[-1].code == ("proxy.tcp" if ended else "proxy.other")
    assert f"127.0.0.1:{odd.port}" in found[-1].found("fr")
    assert "not permitted" not in found[-1].found("en")
    assert "timed out" not in found[-1].found("en")


def test_an_https_proxy_is_known_by_the_authorities_of_the_candidate(authority):
    tls = {"ca": str(authority.ca)}
    with (
        TLSServer(server_context(authority.issue())) as server,
        Proxy("user:p%40ss", server_context(authority.issue())) as secure,
        Proxy("", server_context(authority.issue("elsewhere.example"))) as stranger,
    ):
        within = look(**{"base-url": server.url, "tls": tls, "proxy": secure.url})
        distrusted = look(**{"base-url": server.url, "tls": tls, "proxy": stranger.url})
    assert states(within) == dict.fromkeys(("proxy", "tls", "metadata", "fhir-version", "formats"), "ok")
    assert distrusted[-1].code == "proxy.tls"


@respx.mock(assert_all_mocked=True)
def test_the_token_endpoint_and_the_service_are_looked_at_each(respx_mock):
    with TLSServer(None) as login, TLSServer(None) as server:
        respx_mock.route(host="localhost", path="/metadata").pass_through()
        route = respx_mock.post(f"{login.url}/token").respond(401, json={"error": "invalid_client"})
        oauth = {"grant": "client-credentials", "token-url": f"{login.url}/token", "client-id": "c"}
        content = {"base-url": server.url, "identities": {"default": {"oauth": oauth}}}
        refused = look(**content)
        route.respond(200, json={"access_token": "token-abcdef"})
        given = look(**content)
        oauth["token-url"] = f"{without_server()}/token"
        closed = look(**content)
    assert states(refused)["token"] == "fail"
    assert "invalid_client" in next(one for one in refused if one.name == "token").found("fr")
    assert states(given)["token"] == states(given)["identities.default: tcp"] == states(given)["tcp"] == "ok"
    assert states(closed)["identities.default: tcp"] == "fail"
    (advice,) = [one.advice("en") for one in closed if one.state == "fail"]
    assert "is the port of identities.default.oauth.token-url the right one" in advice
    assert "token" not in states(closed)
    assert states(closed)["metadata"] == "ok"  # the service itself does not depend on it


def test_the_command_speaks_french_and_json(capsys):
    url = without_server()
    for more in ((), ("--format", "json")):
        with pytest.raises(SystemExit) as ended:
            main(["doctor", "--base-url", url, "--lang", "fr", *more])
        assert ended.value.code == 1
    *text, last = capsys.readouterr().out.splitlines()
    assert "      rien n'écoute là" in "\n".join(text)
    told = json.loads(last)
    assert (told["name"], told["state"], told["code"]) == ("tcp", "fail", "tcp.refused")
    assert told["advice"].startswith("rien n'écoute là")
