"""What carries the requests: obeys the answers, follows pages, and lets a defect change what is about to be sent."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from time import sleep
from typing import Any

import httpx

Resource = dict[str, Any]
Pairs = list[tuple[str, str]]

FHIR_JSON = "application/fhir+json"
_PATIENCE = 5
"""Seconds that a server may ask to wait; a person would not wait longer."""
_PAGES = 50


class Refused(Exception):
    """The server did not do what it was asked; the person is told, and nothing more is sent."""


@dataclass
class Sent:
    """A request that is about to be sent: ``action`` is the task, ``path`` is relative to the base or absolute."""

    action: str
    method: str
    path: str
    params: Pairs = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    raw: bool = False
    """Whether the path is sent as it stands, with characters that should be encoded."""


@dataclass(frozen=True)
class Departure:
    """What a defective client does otherwise: ``alter`` changes each request, ``habits`` are names of bad habits."""

    alter: Callable[[Sent], None] = lambda _: None
    habits: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Renewal:
    """How new tokens are had when the service takes the old ones no more (RFC 6749, section 6)."""

    token_url: str
    client_id: str
    refresh_token: str
    id_token_header: str = "X-ID-Token"

    def credentials(self) -> dict[str, str]:
        """Return the headers with new tokens; nothing when the authorization server gives none."""
        form = {"grant_type": "refresh_token", "refresh_token": self.refresh_token, "client_id": self.client_id}
        answer = httpx.post(self.token_url, data=form, timeout=30)
        if not answer.is_success:
            return {}
        told = answer.json()
        found = {"Authorization": f"Bearer {told['access_token']}"}
        return {**found, **({self.id_token_header: told["id_token"]} if "id_token" in told else {})}


class Service:
    """One FHIR service at ``base``, called with ``credentials``, which ``renewal`` can replace."""

    def __init__(
        self,
        base: str,
        credentials: Mapping[str, str],
        action: str = "",
        departure: Departure | None = None,
        renewal: Renewal | None = None,
    ) -> None:
        self.base = base.rstrip("/")
        self._credentials = dict(credentials)
        self._renewal = renewal
        self._action = action
        self.departure = departure or Departure()
        self._http = httpx.Client(timeout=30)

    def __enter__(self) -> "Service":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def tends_to(self, habit: str) -> bool:
        """True when the client has this bad habit."""
        return habit in self.departure.habits

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Pairs | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> httpx.Response:
        """Send a request and return a good answer. Raises Refused for any other.

        Only a 503 is tried once more, after the time that it asks for, and a 401 with new tokens.
        """
        sent = Sent(self._action, method, path, list(params or ()), {**self._headers(body), **(headers or {})}, body)
        self.departure.alter(sent)
        answer = self._perform(sent)
        if answer.status_code == 503 and answer.headers.get("Retry-After", "").isdigit():
            sleep(min(int(answer.headers["Retry-After"]), _PATIENCE))
            answer = self._perform(sent)
        if answer.status_code == 401 and self._renewal is not None and (fresh := self._renewal.credentials()):
            self._renewal = None  # its refresh token is spent
            self._credentials |= fresh
            sent.headers |= fresh
            answer = self._perform(sent)
        for _ in range(2):
            if answer.is_success or not self.tends_to(f"sends-again-{answer.status_code}"):
                break
            answer = self._perform(sent)
        if not answer.is_success and not self.tends_to("overlooks-errors"):
            raise Refused(f"{sent.method} {sent.path}: {answer.status_code}: {_told(answer)}")
        return answer

    def read(self, path: str) -> tuple[Resource, str]:
        """Return the resource at ``path``, and its version as an entity tag."""
        answer = self.send("GET", path)
        return answer.json(), answer.headers.get("ETag", "")

    def create(self, resource: Resource, headers: Mapping[str, str] | None = None) -> str:
        """Create ``resource``; return its ``Type/id``."""
        answer = self.send("POST", resource["resourceType"], body=resource, headers=headers)
        return "/".join(answer.headers.get("Location", "").partition("/_history/")[0].split("/")[-2:])

    def found(self, type_: str, params: Pairs) -> Iterator[Resource]:
        """Yield the resources that a search finds, page after page, as the server's ``next`` links lead.

        A resource with a modifier extension is left out: this client understands none (FHIR R4, extensibility).
        """
        answer = self.send("GET", type_, params=params)
        for number in range(1, _PAGES):
            page = answer.json()
            for entry in page.get("entry", ()):
                if not _modified(entry["resource"]) or self.tends_to("overlooks-modifiers"):
                    yield entry["resource"]
            following = [link["url"] for link in page.get("link", ()) if link["relation"] == "next"]
            if not following or self.tends_to("stops-at-first-page"):
                return
            if self.tends_to("numbers-pages-itself"):
                answer = self.send("GET", type_, params=[*params, ("_offset", str(number))])
            else:
                answer = self.send("GET", following[0])

    def _headers(self, body: Any) -> dict[str, str]:
        kind = {} if body is None else {"Content-Type": FHIR_JSON}
        return {"Accept": FHIR_JSON, **self._credentials, **kind}

    def _perform(self, sent: Sent) -> httpx.Response:
        url = sent.path if sent.path.startswith(("http:", "https:")) else f"{self.base}/{sent.path}".rstrip("/")
        content = (
            sent.body if isinstance(sent.body, bytes | None) else json.dumps(sent.body, ensure_ascii=False).encode()
        )
        params = httpx.QueryParams(tuple(sent.params)) if sent.params else None
        target = {"target": f"/{url.split('/', 3)[3]}".encode()} if sent.raw else {}
        return self._http.request(
            sent.method, url, params=params, headers=sent.headers, content=content, extensions=target
        )


def _modified(resource: Any) -> bool:
    if isinstance(resource, dict):
        return "modifierExtension" in resource or any(_modified(value) for value in resource.values())
    return isinstance(resource, list) and any(_modified(item) for item in resource)


def _told(answer: httpx.Response) -> str:
    try:
        issues = answer.json()["issue"]
        return "; ".join(str(issue.get("diagnostics", issue.get("code"))) for issue in issues)
    except (ValueError, KeyError, TypeError, AttributeError):
        return answer.text[:200]
