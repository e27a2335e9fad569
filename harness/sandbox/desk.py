"""What stands beside the services of a sandbox, for people and for pairing: the authorization server and the pages."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from harness.errors import UsageError
from harness.sandbox.app import MEASURES_PREFIX, PREFIX
from harness.sandbox.authorization.assertion import public_key
from harness.sandbox.authorization.routes import PREFIX as PAIRING
from harness.sandbox.authorization.routes import AuthorizationPages
from harness.sandbox.authorization.server import AuthorizationServer
from harness.sandbox.checking import server_validator
from harness.sandbox.console.judging import Judge
from harness.sandbox.console.routes import PREFIX as CONSOLE
from harness.sandbox.console.routes import Console
from harness.sandbox.console.traffic import Traffic
from harness.sandbox.console.view import View
from harness.sandbox.console.watch import Watch
from harness.sandbox.cors import Cors, origins
from harness.sandbox.hosts import Hosts
from harness.sandbox.measures.population import SOLUTION
from harness.sandbox.measures.service import MeasuresService
from harness.sandbox.measures.tokens import InvalidToken, TokenOffice
from harness.sandbox.pages.door import PARAMETER, Door
from harness.sandbox.pages.forms import Guard
from harness.sandbox.pages.rendering import ASSETS, asset_endpoint
from harness.sandbox.service import Service


@dataclass(frozen=True, slots=True)
class Opening:
    """How far a sandbox is open.

    - ``public_url``: the address that others use, where it is not the one that the sandbox listens on;
    - ``client_key``: the file with the public key of the client of the tester's solution;
    - ``redirect_uris``: where, beyond loopback, answers of the authorization server may go;
    - ``cors``: origins whose scripts may call the services.

    Raises UsageError for an address or an origin that is not one.
    """

    public_url: str | None = None
    redirect_uris: tuple[str, ...] = ()
    cors: tuple[str, ...] = ()
    client_key: Path | None = None

    def __post_init__(self) -> None:
        """Check what was given."""
        origins(self.cors)
        if self.public_url is not None:
            _check_url("--public-url", self.public_url)
            if urlsplit(self.public_url).path not in {"", "/"}:
                raise UsageError(f"--public-url {self.public_url}: no path, please; the sandbox has paths of its own.")
        for one in self.redirect_uris:
            _check_url("--redirect-uri", one)


class Desk:
    """The authorization server and the pages of the sandbox at ``address`` (``http://127.0.0.1:8080``)."""

    def __init__(self, service: Service, address: str, opening: Opening | None = None) -> None:
        self._opening = opening or Opening()
        self.address = (self._opening.public_url or address).rstrip("/")
        self.measures = MeasuresService.beside(service, office=TokenOffice(f"{self.address}{PAIRING}"))
        self.authorization = AuthorizationServer(
            self.measures.registry, self.measures.office, self._opening.redirect_uris
        )
        if self._opening.client_key is not None:
            self.authorization.clients[SOLUTION.client_id].key = public_key(self._opening.client_key)
        self.traffic = Traffic()
        self._stores = (service.store, self.measures.service.store)
        self._validator = server_validator(service.definitions)
        self._guard = Guard()
        self._door = Door([urlsplit(self.address).hostname or ""], locked=not _is_loopback(address))

    @property
    def discovery_url(self) -> str:
        """Where clients find out about the authorization server."""
        return f"{self.authorization.issuer}/.well-known/openid-configuration"

    @property
    def page_url(self) -> str:
        """Where the page for testers is; with its key, beyond loopback."""
        return f"{self.address}{CONSOLE}{f'?{PARAMETER}={self._door.key}' if self._door.key else ''}"

    @property
    def unnamed(self) -> bool:
        """True when it listens on every address, and nobody said which one others use."""
        host = urlsplit(self.address).hostname or ""
        return host in {"0.0.0.0", "::"}

    def routes(self) -> list[BaseRoute]:
        """What Starlette routes here."""
        pairing = AuthorizationPages(self.authorization, self._guard, self._door)
        console = Console(
            self.address,
            self.authorization,
            self.traffic,
            View(self.measures.registry, Judge(self._validator)),
            guard=self._guard,
            door=self._door,
            reset=self._reset,
            facts=(
                ("FHIR R4", f"{self.address}{PREFIX}"),
                ("API mesures", f"{self.address}{MEASURES_PREFIX}"),
                ("OpenID Connect", self.discovery_url),
            ),
        )
        return [*pairing.routes(), *console.routes(), Route(f"{ASSETS}/{{name}}", asset_endpoint)]

    def middleware(self) -> list[Middleware]:
        """What stands before every request."""
        guarded = (f"{PAIRING}/token", f"{PAIRING}/revoke")
        watch = Middleware(
            Watch, traffic=self.traffic, who=self._who, prefixes=(PREFIX, MEASURES_PREFIX), guarded=guarded
        )
        private = (CONSOLE, f"{PAIRING}/authorize", f"{PAIRING}/decision")
        cors = [Middleware(Cors, allowed=self._opening.cors, private=private)] if self._opening.cors else []
        return [watch, Middleware(Hosts, door=self._door, aside=private), *cors]

    def close(self) -> None:
        """End the pages that listen, so that nobody waits for them."""
        self.traffic.close()

    def _reset(self) -> None:
        for store in self._stores:
            store.reset()

    def _who(self, token: str) -> tuple[str | None, str | None]:
        try:
            grant = self.measures.office.grant(token)
        except InvalidToken:
            return None, None
        return grant.solution, grant.idpe or None


def _check_url(option: str, text: str) -> None:
    try:
        parts = urlsplit(text)
        right = parts.scheme in {"http", "https"} and parts.hostname and not parts.fragment
    except ValueError:
        right = False
    if not right:
        raise UsageError(f"{option} {text}: not an address; write it as https://host:port.")


def _is_loopback(address: str) -> bool:
    return ip_address(urlsplit(address).hostname or "").is_loopback
