"""The measures API over real HTTP: one sandbox for the session, and callers by the name of their identity."""

import json
import uuid
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import URL

from harness.sandbox.assembly import make_service
from harness.sandbox.server import SandboxServer
from harness.sandbox.store import Store

FIXTURES = Path(__file__).parents[3] / "fixtures"


class Api:
    """A sandbox's measures API, called as one of its identities."""

    def __init__(self, server: SandboxServer, client: httpx.Client) -> None:
        self.candidate = server.candidate()["endpoints"]["mes-measures"]
        self.server = server
        self.client = client

    def headers(self, who: str) -> dict[str, str]:
        """The headers that prove ``who``."""
        identity = self.candidate["identities"][who]
        found = {"Authorization": f"Bearer {identity['bearer']}"} if "bearer" in identity else {}
        token = identity.get("id-token")
        return {**found, **({token["header"]: token["value"]} if token else {})}

    def token(self, who: str) -> str:
        """``system|value`` of the patient of ``who``."""
        identifier = self.candidate["identities"][who]["identifier"]
        return f"{identifier['system']}|{identifier['value']}"

    def bundle(self, name: str = "mes-measure-feed", who: str = "default", **changes: Any) -> dict[str, Any]:
        """A feed for the patient of ``who`` with a device of its own, its Observation changed (None: left out)."""
        text = (FIXTURES / "bundle" / f"{name}.json").read_text("utf-8")
        made: dict[str, Any] = json.loads(text.replace("FE-ED-AB-00-00-00-00-01", str(uuid.uuid4())))
        observation = next(e for e in made["entry"] if e["resource"]["resourceType"] == "Observation")["resource"]
        observation["subject"]["identifier"] = dict(self.candidate["identities"][who]["identifier"])
        for key, value in changes.items():
            if value is None:
                observation.pop(key, None)
            else:
                observation[key] = value
        return made

    def single(self, fixture: str, who: str = "default", **changes: Any) -> dict[str, Any]:
        """A feed of the Observation in ``fixture`` without a device."""
        made = self.bundle(who=who)
        observation = json.loads((FIXTURES / "observation" / f"{fixture}.json").read_text("utf-8"))
        observation["subject"]["identifier"] = dict(self.candidate["identities"][who]["identifier"])
        observation |= changes
        entry = {"fullUrl": uuid.uuid4().urn, "resource": observation, "request": made["entry"][0]["request"]}
        return {**made, "entry": [entry]}

    def post(self, body: Any, who: str = "default", **headers: str) -> httpx.Response:
        """Feed ``body``."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        sent = {"Content-Type": "application/fhir+json", **self.headers(who), **headers}
        return self.client.post(self.candidate["base-url"], content=content, headers=sent)

    def get(self, params: Sequence[tuple[str, str]], who: str = "default", **headers: str) -> httpx.Response:
        """Search measures."""
        url = f"{self.candidate['base-url']}/Observation"
        return self.client.get(url, params=httpx.QueryParams(tuple(params)), headers={**self.headers(who), **headers})

    def follow(self, url: str, who: str = "default") -> httpx.Response:
        """Get ``url`` as it is."""
        return self.client.get(url, headers=self.headers(who))

    def all(self, code: str, since: str, until: str, *more: tuple[str, str], who: str = "default") -> httpx.Response:
        """Search all measures of ``code`` in a period."""
        asked = [
            ("code", code),
            ("subject.identifier", self.token(who)),
            ("date", f"ge{since}"),
            ("date", f"le{until}"),
        ]
        return self.get([*asked, *more], who)


@pytest.fixture(scope="session")
def api(database: Callable[[], URL]) -> Iterator[Api]:
    """The measures API of one sandbox, shared: tests feed at dates of their own."""
    with (
        closing(Store(database())) as store,
        SandboxServer(make_service(store)) as server,
        httpx.Client(timeout=20) as client,
    ):
        yield Api(server, client)
