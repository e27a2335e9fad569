"""``kind: client`` in a candidate file: a system under test that calls, and the sandbox that it is to call."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.engine.awaiting import OWN
from harness.engine.candidate import Candidate
from harness.engine.candidate_file import CLIENT, Document, read_file
from harness.engine.driver import Command
from harness.engine.secure import Tls
from harness.suite.policies import policies

_OF_SANDBOX = ("policy", "base-url", "endpoints", "tls")
"""What the file does not say of the address that the client calls: that is the sandbox's."""


@dataclass(frozen=True)
class ClientFile:
    """What a candidate file says of a client."""

    document: Document = field(repr=False)
    folder: Path
    """That of the file."""

    @classmethod
    def read(cls, path: Path) -> "ClientFile | None":
        """Return what the file at ``path`` says, or None when it is not that of a client. Raises UsageError."""
        document = read_file(path)
        return cls(document, path.parent) if document.data.get("kind") == CLIENT else None

    @property
    def policy(self) -> Mapping[str, Any]:
        """The choices that the file makes, by name."""
        chosen: Mapping[str, Any] = self.document.data.get("policy", {})
        return chosen

    @property
    def port(self) -> int:
        """The port that the sandbox is to listen on; 0 for a free one."""
        return int(self._sandbox.get("port", 0))

    @property
    def proxied(self) -> Mapping[str, str]:
        """The real services to stand in front of, by the name of their endpoint (``""`` for the FHIR base).

        Empty: the sandbox is simulated.
        """
        proxied = self._sandbox.get("proxy")
        if proxied is None:
            return {}
        endpoints = self.document.data.get("endpoints", {})
        return {"": str(proxied), **{name: str(one["base-url"]) for name, one in endpoints.items()}}

    def relayed(self, here: str, prefixes: Mapping[str, str]) -> dict[str, Any]:
        """Return the content of a candidate file that reaches the real services through ``here``.

        ``prefixes`` has the path of each of :attr:`proxied` there.
        """
        endpoints = self.document.data.get("endpoints", {})
        return {
            "base-url": here + prefixes[""],
            "endpoints": {name: {**one, "base-url": here + prefixes[name]} for name, one in endpoints.items()},
        }

    def tls(self) -> Tls:
        """Return how the real services are reached over TLS."""
        return Tls(**self.document.data.get("tls", {}))

    def opening(self) -> dict[str, Any]:
        """Return who may pair and call: ``redirect_uris``, ``cors``, and the file ``client_key`` or None."""
        key = self._sandbox.get("client-key")
        return {
            "redirect_uris": tuple(self._sandbox.get("redirect-uris", ())),
            "cors": tuple(self._sandbox.get("cors", ())),
            "client_key": None if key is None else self.folder / key,
        }

    @property
    def _sandbox(self) -> Mapping[str, Any]:
        found: Mapping[str, Any] = self.document.data.get("sandbox", {})
        return found

    @property
    def command(self) -> Command | None:
        """The command that acts in the place of a person, or None."""
        found = self.document.data.get("command")
        if found is None:
            return None
        return Command(
            run=tuple(found["run"]),
            environment=found.get("environment", {}),
            folder=self.folder / found.get("folder", ""),
            timeout=float(found.get("timeout", 60)),
            finishes=found.get("finishes", True),
        )

    def candidate(self, sandbox: Mapping[str, Any], own: str, secrets: Mapping[str, str] | None = None) -> Candidate:
        """Return the candidate as a run knows it: the client's name, the addresses and identities of ``sandbox``.

        ``sandbox`` is the content of a candidate file that reaches it, and ``own`` the secret that tells the harness's
        own requests; ``secrets`` are others that the client was given, by name. Raises UsageError.
        """
        data = self.document.data
        content = {
            **{name: value for name, value in sandbox.items() if name not in ("software", "policy")},
            **{name: value for name, value in data.items() if name not in _OF_SANDBOX},
            "identities": {**sandbox.get("identities", {}), **data.get("identities", {})},
            "headers": {**data.get("headers", {}), OWN: own},
            "policy": {**_known(sandbox.get("policy", {})), **self.policy},
        }
        made = Candidate.of(content)
        return replace(made, secrets={**made.secrets, **self.document.secrets, **(secrets or {})})


def _known(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return those choices of a sandbox that a candidate file can make."""
    return {name: value for name, value in told.items() if not policies().faults({name: value})}
