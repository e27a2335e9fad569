"""The pages beside a listener that sees each request first, as in a run against a client."""

import httpx

from harness.sandbox.assembly import make_service
from harness.sandbox.policy import Policy
from harness.sandbox.server import SandboxServer
from tests.sandbox.authorization.person import Person


def test_pairing_and_the_page_work_beside_a_listener():
    heard = []

    async def listener(method, url, headers, body, forward):
        heard.append((method, httpx.URL(url).path))
        return await forward()

    with SandboxServer(make_service(policy=Policy(validate=False)), listener=listener) as server:
        person = Person(server.desk.authorization.issuer)
        with person.http:
            assert person.paired()["access_token"]
        assert httpx.get(server.desk.page_url).status_code == 200
        with httpx.stream("GET", f"{server.desk.page_url}/events") as stream:
            assert next(stream.iter_text()).startswith("retry:")
        assert [one.target for one in server.desk.traffic.after(0)] == ["/oauth/token"]
    assert ("POST", "/oauth/token") in heard
    assert not [path for _, path in heard if path.startswith("/console")]
