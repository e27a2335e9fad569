"""What the client does over TLS."""

import asyncio
import socket
import ssl

import pytest

from harness.engine.candidate import Candidate
from harness.engine.client import Live, Scope
from harness.engine.exchange import Request
from harness.engine.secure import Tls
from tests.engine.proxy import Proxy
from tests.engine.threaded import Threaded
from tests.engine.tls import Authority, TLSServer, server_context

SCOPE = Scope("set", "test", "test")


@pytest.fixture
def authority(tmp_path):
    return Authority(tmp_path)


def candidate(server, **tls):
    return Candidate.of({"base-url": server.url, "tls": tls, "identities": {"default": {"bearer": "canary"}}})


def ask(live, server, scheme="https"):
    url = f"{scheme}{server.url.removeprefix('https')}/metadata"
    return live.send(Request("GET", url, (("Authorization", "Bearer canary"),)), SCOPE)


@pytest.mark.parametrize("scheme", ["https", "HTTPS"])
def test_a_certificate_that_changes_in_the_middle_of_a_run_gets_no_credentials(authority, scheme):
    first, second = authority.issue(), authority.issue()
    context = server_context(first)

    async def twice(server):
        live = Live(candidate(server, ca=str(authority.ca)))
        try:
            before = await ask(live, server, scheme)
            context.load_cert_chain(second.cert_file, second.key_file)
            return before, await ask(live, server, scheme)
        finally:
            await live.close()

    with TLSServer(context) as server:
        before, after = asyncio.run(twice(server))
    assert before.response.status == 200
    assert (after.response, after.error_code) == (None, "certificate-changed")
    assert len(server.seen) == 1


def test_a_certificate_of_an_unknown_authority_is_refused(authority, tmp_path):
    async def once(server):
        live = Live(candidate(server))
        try:
            return await ask(live, server)
        finally:
            await live.close()

    with TLSServer(server_context(authority.issue())) as server:
        assert asyncio.run(once(server)).error_code == "tls"
    assert server.seen == []


@pytest.mark.parametrize("verify", [True, False])
def test_nothing_is_agreed_on_anew_over_a_connection(verify):
    assert Tls(verify=verify).context().options & ssl.OP_NO_RENEGOTIATION


@pytest.mark.parametrize(
    ("scheme", "asked"), [("http", "GET http://[::1]:1/metadata HTTP/1.1"), ("https", "CONNECT [::1]:1 HTTP/1.1")]
)
def test_a_proxy_is_asked_for_an_ipv6_address_within_brackets(scheme, asked):
    async def once(proxy):
        live = Live(Candidate.of({"base-url": f"{scheme}://[::1]:1", "proxy": proxy.url}))
        try:
            return await live.send(Request("GET", f"{scheme}://[::1]:1/metadata"), SCOPE)
        finally:
            await live.close()

    with Proxy() as proxy:
        made = asyncio.run(once(proxy))
    assert made.response is None
    assert proxy.asked[0] == asked


def ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not ipv6(), reason="this machine has no IPv6")
@pytest.mark.parametrize("through", [True, False])
def test_a_certificate_for_an_ipv6_address_holds(authority, through):
    async def once(server, proxy):
        content = {
            "base-url": server.url,
            "tls": {"ca": str(authority.ca)},
            **({"proxy": proxy.url} if through else {}),
        }
        live = Live(Candidate.of(content))
        try:
            return await live.send(Request("GET", f"{server.url}/metadata"), SCOPE)
        finally:
            await live.close()

    with TLSServer(server_context(authority.issue("::1")), host="::1") as server, Proxy() as proxy:
        made = asyncio.run(once(server, proxy))
    assert made.error is None
    assert made.response.status == 200
    assert len(proxy.asked) == through


class Silent(Threaded):
    """Takes connections, and says nothing."""

    async def _serve(self, reader, writer):
        await reader.read()
        writer.close()


def test_a_handshake_that_nobody_answers_is_late_and_no_fault_of_tls():
    async def once(server):
        url = f"https://127.0.0.1:{server.port}"
        live = Live(Candidate.of({"base-url": url, "limits": {"connect": 0.1}}))
        try:
            return await live.send(Request("GET", f"{url}/metadata"), SCOPE)
        finally:
            await live.close()

    with Silent() as server:
        made = asyncio.run(once(server))
    assert (made.error_code, made.error) == ("timeout", "no connection within 0.1 s")
