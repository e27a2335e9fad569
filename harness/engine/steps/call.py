"""What a step asks for, and how it becomes HTTP requests (FHIR R4, http.html).

An interaction is a generator: it yields a request, is sent the exchange, and may yield the next. It opens no connection
and reads no clock, so a recorded run goes through the same code as a live one.
"""

import re
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urljoin, urlsplit

from harness.engine.exchange import Exchange, Headers, Request
from harness.engine.wire import dumps
from harness.errors import TestSetError
from harness.suite.expressions import safe_header, safe_url
from harness.suite.model import Interaction

FHIR_JSON = "application/fhir+json"
_PATH_SAFE = "/$:@!&'()*+,;=~-._%"
_QUERY_SAFE = "/$:@!'()*,;~-._"
_ABSOLUTE = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*:)?//")
_ETAG = re.compile(r'(?:W/)?"[^"]*"|\*')

Conversation = Generator[Request, Exchange, None]


class StepFault(TestSetError):
    """A step cannot be carried out as it is written. ``code`` is a finding's."""

    def __init__(self, code: str, message: str, message_fr: str) -> None:
        super().__init__(message)
        self.code = code
        self.message_fr = message_fr


@dataclass(frozen=True)
class Call:
    """One interaction, with every expression replaced."""

    interaction: Interaction
    base: str
    """The candidate's base URL, without a slash at its end."""
    target: Any = None
    resource: Any = None
    """What is sent, after ``set`` and ``remove``; None when nothing is."""
    params: Mapping[str, Any] = field(default_factory=dict)
    credentials: Headers = ()
    headers: Mapping[str, str | None] = field(default_factory=dict)
    """The step's own: they replace any other of the same name; None takes one away."""
    if_match: str | None = None
    if_none_match: str | None = None
    if_none_exist: str | None = None
    pages: int = 1

    @property
    def path(self) -> str:
        """The target as a path such as ``Patient/1``. Raises StepFault when it is something else."""
        if isinstance(self.target, str):
            return self.target
        raise StepFault(
            "step.target",
            f"{self.interaction} needs a path such as Patient/1, found {type(self.target).__name__}",
            f"{self.interaction} demande un chemin comme Patient/1, trouvé : {type(self.target).__name__}",
        )

    @property
    def body(self) -> Mapping[str, Any]:
        """The resource that is sent. Raises StepFault when it is none."""
        if isinstance(self.resource, Mapping):
            return self.resource
        raise StepFault(
            "step.target",
            f"{self.interaction} needs a resource, found {type(self.resource).__name__}",
            f"{self.interaction} demande une ressource, trouvé : {type(self.resource).__name__}",
        )

    @property
    def resource_type(self) -> str:
        """The type of the resource that is sent: where it goes. Raises StepFault when it has none."""
        name = self.body.get("resourceType")
        if isinstance(name, str) and name:
            return name
        raise StepFault(
            "step.target",
            f"{self.interaction} needs a resource with a resourceType; to send something else, use request",
            f"{self.interaction} demande une ressource avec un resourceType ; pour tout autre envoi, utilisez request",
        )


Converse = Callable[[Call], Conversation]


def request(
    call: Call,
    method: str,
    path: str,
    *,
    body: bytes | None = None,
    content: bytes | None = None,
    extra: Headers = (),
) -> Request:
    """Return the request of ``method`` on ``path`` (below the base) with the step's parameters and headers.

    ``body`` is a resource as FHIR's JSON; ``content`` is anything else, whose Content-Type stands in ``extra``.
    """
    headers: list[tuple[str, str]] = [("Accept", FHIR_JSON)]
    if body is not None:
        headers.append(("Content-Type", f"{FHIR_JSON}; charset=utf-8"))
    headers += [*extra, *call.credentials]
    own = {name.lower() for name in call.headers}
    headers = [pair for pair in headers if pair[0].lower() not in own]
    headers += [(name, str(value)) for name, value in call.headers.items() if value is not None]
    pairs = tuple((name, safe_header(name, value)) for name, value in headers)
    return Request(method, address(call.base, path, call.params), pairs, body or content or b"")


def encode(resource: Any) -> bytes:
    """Return a resource as the bytes that are sent."""
    return dumps(resource).encode("utf-8", "surrogatepass")


def etag(value: str) -> str:
    """Return ``value`` as an entity tag: a bare version becomes ``W/"…"`` (http.html#versioning)."""
    return value if _ETAG.fullmatch(value) else f'W/"{value}"'


def conditions(call: Call) -> Headers:
    """Return the headers of the step's conditions."""
    tags = (("If-Match", call.if_match), ("If-None-Match", call.if_none_match))
    headers = [(name, etag(str(value))) for name, value in tags if value is not None]
    if call.if_none_exist is not None:
        headers.append(("If-None-Exist", call.if_none_exist.removeprefix("?")))
    return tuple(headers)


def address(base: str, path: str, params: Mapping[str, Any]) -> str:
    """Return the URL of ``path`` below ``base``. Raises StepFault when it would lead outside of the candidate."""
    if path.startswith("/") and path.startswith(f"{urlsplit(base).path}/"):
        path = urljoin(base, path)  # of a Location or a link, which may leave the host out (RFC 9110, 10.2.2)
    if _ABSOLUTE.match(path):
        url = safe_url(_joined(base, path))
        if not same_origin(base, url):
            raise StepFault(
                "step.outside",
                f"{path} leads outside of the candidate ({base}) and is not followed",
                f"{path} mène hors du candidat ({base}) et n'est pas suivi",
            )
    else:
        url = f"{base}/{quote(path.lstrip('/').partition('?')[0], safe=_PATH_SAFE)}".rstrip("/")
        query = path.partition("?")[2]
        if query:
            url += "?" + quote(query, safe=_QUERY_SAFE + "&=+%")
    if any(part in ("..", ".") for part in urlsplit(url).path.split("/")):
        raise StepFault(
            "step.outside", f"{path} climbs out of the base with dots", f"{path} remonte hors de la base par des points"
        )
    query = "&".join(f"{_quoted(name)}={_quoted(_text(name, value))}" for name, value in _pairs(params))
    return f"{url}{'&' if '?' in url else '?'}{query}" if query else url


def _joined(base: str, path: str) -> str:
    """Return where ``path`` leads from ``base``; as it is when it is no URL, and so within nothing."""
    try:
        return urljoin(base, path)
    except ValueError:
        return path


def _quoted(text: str) -> str:
    return quote(text, safe=_QUERY_SAFE)


def _pairs(params: Mapping[str, Any]) -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in params.items():
        pairs += [(name, item) for item in value] if isinstance(value, (list, tuple)) else [(name, value)]
    return pairs


def _text(name: str, value: Any) -> str:
    if value is None or isinstance(value, Mapping):
        raise StepFault(
            "step.target",
            f"the parameter {name} needs a text, a number or a list of them",
            f"le paramètre {name} demande un texte, un nombre ou une liste",
        )
    return str(value).lower() if isinstance(value, bool) else str(value)


def same_origin(one: str, other: str) -> bool:
    """Tell whether two URLs have the same scheme, host and port (RFC 6454), and the other one names no user."""
    try:
        return origin(one) == origin(other) and "@" not in urlsplit(other).netloc
    except ValueError:
        return False


def origin(url: str) -> tuple[str, str, int | None]:
    """Return scheme, host and port of ``url``. Raises ValueError when its port is no number."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    return parts.scheme.lower(), (parts.hostname or "").lower(), parts.port or default
