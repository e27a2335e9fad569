"""``kind: client`` in a candidate file: a system under test that calls, and the sandbox that it is to call."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from harness.engine.awaiting import OWN
from harness.engine.candidate import Candidate
from harness.engine.candidate_file import CLIENT, Document, read_file
from harness.engine.driver import Command
from harness.suite.policies import policies


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
    def proxied(self) -> str | None:
        """The address of the real service to stand in front of, without a slash at its end; None to simulate one."""
        proxied = self._sandbox.get("proxy")
        return None if proxied is None else str(proxied).rstrip("/")

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

    def candidate(self, sandbox: Mapping[str, Any], own: str) -> Candidate:
        """Return the candidate as a run knows it: the client's name, the addresses and identities of ``sandbox``.

        ``sandbox`` is the content of a candidate file that reaches it, and ``own`` the secret that tells the harness's
        own requests. Raises UsageError.
        """
        data = self.document.data
        content = {
            **{name: value for name, value in sandbox.items() if name not in ("software", "policy")},
            **{name: value for name, value in data.items() if name != "policy"},
            "headers": {**data.get("headers", {}), OWN: own},
            "policy": {**_known(sandbox.get("policy", {})), **self.policy},
        }
        made = Candidate.of(content)
        return replace(made, secrets={**made.secrets, **self.document.secrets})


def _known(told: Mapping[str, Any]) -> dict[str, Any]:
    """Return those choices of a sandbox that a candidate file can make."""
    return {name: value for name, value in told.items() if not policies().faults({name: value})}
