"""The candidate: the system under test, who calls it, and the limits that its answers are held to."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.engine.candidate_file import Document, read_data, read_file
from harness.engine.exchange import Headers
from harness.engine.redaction import Redactor
from harness.engine.secure import Tls
from harness.engine.tunnel import Proxy
from harness.errors import UsageError
from harness.suite.policies import policies
from harness.suite.problem import nearest

NOBODY = "none"
"""``as: none``: a request without credentials."""

_CREDENTIALS = ("bearer", "basic", "id-token", "headers", "oauth")
_IDENTIFYING = frozenset({"value", "family", "given", "text", "line", "phone", "email", "telecom", "address"})
"""Members of an identity's attributes that tell who somebody is (FHIR's names)."""

_SYNTHETIC_PATIENT: Mapping[str, Any] = {
    "identifier": {"system": "urn:oid:1.2.250.1.213.1.4.10", "value": "299017812345665"},
    "name": {"family": "PATIENT-TEST", "given": "ALEX"},
}
"""Who the default identity of a candidate without a file is: nobody, under the test OID of the national number."""


@dataclass(frozen=True)
class Limits:
    """What answers are held to: seconds, bytes after decoding, JSON values, redirects, pages; and how often we ask."""

    connect: float = 10.0
    read: float = 30.0
    total: float = 60.0
    body: int = 12 * 1024 * 1024
    values: int = 150_000
    recorded: int = 48 * 1024 * 1024
    """Bytes of all the answers of a run together: they stay in the memory until the reports are written."""
    redirects: int = 0
    pages: int = 50
    rate: float | None = None
    """Requests a second at most."""
    retries: int = 1
    """How often an idempotent request is sent again when its connection was lost."""


@dataclass(frozen=True)
class Identity:
    """One caller: the headers that prove it, and the attributes that test sets read."""

    name: str
    headers: Headers = field(default=(), repr=False)
    attributes: Mapping[str, Any] = field(default_factory=dict, repr=False)


@dataclass(frozen=True)
class Endpoint:
    """Another address of the candidate, with what differs there; test sets name it with ``endpoint``."""

    base_url: str
    identities: Mapping[str, Identity] = field(default_factory=dict)
    """Those of the candidate of the same name count no more."""
    default_identity: str | None = None


@dataclass(frozen=True)
class Candidate:
    """The system under test. ``secrets`` maps a name to each value that must never be recorded."""

    base_url: str
    """Without a slash at its end."""
    fhir_version: str = "4.0.1"
    software: Mapping[str, str] = field(default_factory=dict)
    identities: Mapping[str, Identity] = field(default_factory=dict)
    default_identity: str = "default"
    endpoints: Mapping[str, "Endpoint"] = field(default_factory=dict, repr=False)
    headers: Headers = field(default=(), repr=False)
    tls: Tls = field(default_factory=Tls)
    proxy: str | None = field(default=None, repr=False)
    limits: Limits = field(default_factory=Limits)
    policy: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The choices that the file makes; :attr:`policies` has the others too."""
    secrets: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """The candidate file's content, secrets and all."""
    salt: bytes = field(default=b"", repr=False)
    """Of the commitments to secrets (:mod:`harness.engine.commitment`); empty: none are made."""

    @classmethod
    def from_file(cls, path: str | Path) -> "Candidate":
        """Read ``candidate.yaml``; ``${NAME}`` is the environment variable NAME, whose value is then a secret.

        Raises UsageError with file, line and column of each fault.
        """
        return cls._of(read_file(Path(path)))

    @classmethod
    def at(
        cls,
        base_url: str,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        endpoints: Mapping[str, str] | None = None,
    ) -> "Candidate":
        """Return a candidate known by its addresses (``endpoints`` by name), an access token and extra headers alone.

        Its default identity is a synthetic patient. Raises UsageError when the address is not http or https.
        """
        identity = {**_SYNTHETIC_PATIENT, **({"bearer": token} if token else {})}
        content: dict[str, Any] = {"base-url": base_url, "identities": {"default": identity}}
        content["headers"] = dict(headers or {})
        if endpoints:
            content["endpoints"] = {name: {"base-url": url} for name, url in endpoints.items()}
        return cls.of(content)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> "Candidate":
        """Return the candidate that ``data`` (the content of a candidate file) describes. Raises UsageError.

        ``data`` may be what :meth:`redacted` gave: the secrets of that candidate are the marks that stand for them, so
        that a recorded run can be judged again.
        """
        return cls._of(read_data(data))

    @classmethod
    def _of(cls, document: Document) -> "Candidate":
        data = document.data
        if "base-url" not in data:
            raise UsageError("the candidate file is that of a client: it calls, and cannot be called; see run")
        policy = data.get("policy", {})
        return cls(
            base_url=data["base-url"].rstrip("/"),
            fhir_version=data.get("fhir-version", "4.0.1"),
            software=data.get("software", {}),
            identities=_identities(data, policy),
            endpoints={
                name: Endpoint(
                    content["base-url"].rstrip("/"), _identities(content, policy), content.get("default-identity")
                )
                for name, content in data.get("endpoints", {}).items()
            },
            default_identity=data.get("default-identity", "default"),
            headers=tuple(data.get("headers", {}).items()),
            tls=Tls(**data.get("tls", {})),
            proxy=data.get("proxy"),
            limits=Limits(**data.get("limits", {})),
            policy=policy,
            secrets=document.secrets,
            content=data,
        )

    def endpoint(self, name: str | None) -> "Candidate | None":
        """Return this candidate as it is at the endpoint ``name`` (None: its base URL), or None when it has none."""
        if name is None:
            return self
        there = self.endpoints.get(name)
        if there is None:
            return None
        return replace(
            self,
            base_url=there.base_url,
            identities={**self.identities, **there.identities},
            default_identity=there.default_identity or self.default_identity,
        )

    def with_hidden_identities(self) -> "Candidate":
        """Return this candidate with names and identifiers of its identities among the secrets.

        Systems, codes, dates and booleans stay: alone they tell nobody apart, and a FHIR date cannot hold a mark.
        """
        tables = [("identities", self.identities)]
        tables += [(f"endpoints.{name}.identities", one.identities) for name, one in self.endpoints.items()]
        hidden = {
            ".".join((table, name, *path)): value
            for table, identities in tables
            for name, identity in identities.items()
            for path, value in _texts(identity.attributes)
            if path[-1] in _IDENTIFYING and value not in self.secrets.values()
        }
        return replace(self, secrets={**self.secrets, **hidden})

    @property
    def policies(self) -> dict[str, Any]:
        """Every choice that the specifications leave open, by name: the file's, or the default."""
        return policies().effective(self.policy)

    @property
    def through(self) -> Proxy | None:
        """The proxy before the candidate."""
        return Proxy(self.proxy, self.tls) if self.proxy else None

    def redactor(self) -> Redactor:
        """Return what takes this candidate's secrets out of whatever is recorded."""
        return Redactor(self.secrets, self.salt)

    def redacted(self) -> dict[str, Any]:
        """Return the candidate file's content without secrets."""
        redacted: dict[str, Any] = self.redactor().value(self.content)
        return redacted

    def scope(self) -> Mapping[str, Any]:
        """Return what ``${candidate.…}`` reads: no credentials."""
        return {
            "base-url": self.base_url,
            "fhir-version": self.fhir_version,
            "software": self.software,
            "identities": {name: identity.attributes for name, identity in self.identities.items()},
            "policy": self.policies,
            "means": policies().meanings(self.policies),
        }

    def credentials(self, name: str | None) -> Headers:
        """Return the headers of the identity ``name`` (None: the default one), those of every request first.

        Raises UsageError when a step names an identity that the candidate file does not have.
        """
        if name == NOBODY:
            return tuple(pair for pair in self.headers if pair[0].lower() != "authorization")
        wanted = name or self.default_identity
        if wanted not in self.identities:
            if name is None:
                return self.headers
            hint = nearest(name, self.identities)
            raise UsageError(
                f'the candidate has no identity "{name}"{hint}; add it under identities',
                f"le candidat n'a pas d'identité « {name} »{hint.fr} ; l'ajouter sous identities",
            )
        own = self.identities[wanted].headers
        replaced = {header.lower() for header, _ in own}
        return (*(pair for pair in self.headers if pair[0].lower() not in replaced), *own)


def _texts(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield the texts within ``value`` with the names that lead to them; the members of a list have their list's."""
    if isinstance(value, Mapping):
        for name, member in value.items():
            yield from _texts(member, (*path, str(name)))
    elif isinstance(value, (list, tuple)):
        for member in value:
            yield from _texts(member, path)
    elif isinstance(value, str) and path:
        yield path, value


def _identities(data: Mapping[str, Any], policy: Mapping[str, Any]) -> dict[str, Identity]:
    header = policies().effective(policy)["id-token-header"]
    return {name: _identity(name, content, header) for name, content in data.get("identities", {}).items()}


def _identity(name: str, content: Mapping[str, Any], id_token_header: str) -> Identity:
    headers: list[tuple[str, str]] = []
    if "bearer" in content:
        headers.append(("Authorization", f"Bearer {content['bearer']}"))
    if "basic" in content:
        pair = f"{content['basic']['user']}:{content['basic']['password']}".encode()
        headers.append(("Authorization", f"Basic {base64.b64encode(pair).decode('ascii')}"))
    if "id-token" in content:
        headers.append((content["id-token"].get("header", id_token_header), content["id-token"]["value"]))
    headers += content.get("headers", {}).items()
    attributes = {key: value for key, value in content.items() if key not in _CREDENTIALS}
    identifier = attributes.get("identifier")
    if identifier and "token" not in attributes:
        attributes["token"] = f"{identifier.get('system', '')}|{identifier['value']}"
    return Identity(name, tuple(headers), attributes)
