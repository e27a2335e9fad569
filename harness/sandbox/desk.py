"""What stands beside the services of a sandbox, for people and for pairing: the authorization server and the pages."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Route

from harness.errors import UsageError
from harness.sandbox.authorization.routes import PREFIX as PAIRING
from harness.sandbox.authorization.routes import AuthorizationPages
from harness.sandbox.authorization.server import AuthorizationServer
from harness.sandbox.cors import Cors, origins
from harness.sandbox.measures.service import MeasuresService
from harness.sandbox.measures.tokens import TokenOffice
from harness.sandbox.pages.door import Door
from harness.sandbox.pages.forms import Guard
from harness.sandbox.pages.rendering import ASSETS, asset_endpoint
from harness.sandbox.service import Service

CONSOLE = "/console"


@dataclass(frozen=True, slots=True)
class Opening:
    """How far a sandbox is open.

    - ``public_url``: the address that others use, where it is not the one that the sandbox listens on;
    - ``redirect_uris``: where, beyond loopback, answers of the authorization server may go;
    - ``cors``: origins whose scripts may call the services.

    Raises UsageError for an address or an origin that is not one.
    """

    public_url: str | None = None
    redirect_uris: tuple[str, ...] = ()
    cors: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what was given."""
        origins(self.cors)
        if self.public_url is not None:
            _check_url("--public-url", self.public_url)
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
        self._guard = Guard()
        self._door = Door([urlsplit(self.address).hostname or ""], locked=not _is_loopback(address))

    @property
    def discovery_url(self) -> str:
        """Where clients find out about the authorization server."""
        return f"{self.authorization.issuer}/.well-known/openid-configuration"

    def routes(self) -> list[BaseRoute]:
        """What Starlette routes here."""
        pairing = AuthorizationPages(self.authorization, self._guard, self._door)
        return [*pairing.routes(), Route(f"{ASSETS}/{{name}}", asset_endpoint)]

    def middleware(self) -> list[Middleware]:
        """What stands before every request."""
        if not self._opening.cors:
            return []
        private = (CONSOLE, f"{PAIRING}/authorize", f"{PAIRING}/decision")
        return [Middleware(Cors, allowed=self._opening.cors, private=private)]


def _check_url(option: str, text: str) -> None:
    try:
        parts = urlsplit(text)
        right = parts.scheme in {"http", "https"} and parts.hostname and not parts.fragment
    except ValueError:
        right = False
    if not right:
        raise UsageError(f"{option} {text}: not an address; write it as https://host:port/path.")


def _is_loopback(address: str) -> bool:
    return ip_address(urlsplit(address).hostname or "").is_loopback
