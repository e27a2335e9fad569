"""What the commands of the testing team share: whom to trust, and how a run is opened."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import typer

from harness.acceptance.policy_file import read_policy
from harness.acceptance.recorded import Recorded, open_recorded
from harness.acceptance.signing import load_chain
from harness.acceptance.trust import TrustPolicy
from harness.cli.options import read_file
from harness.errors import UsageError

TRUST = typer.Option([], "--trust", metavar="CA.pem", help="Trust anchors of the signers, PEM. Repeatable.")
POLICY = typer.Option(None, "--policy", metavar="FILE", help="Trust policy, YAML; instead of --trust.")
UNSAFE = typer.Option(
    False, "--unsafe-skip-verification", help="Use a file that nobody vouches for; its contents may be forged."
)


def anchors(trust: Sequence[Path]) -> bytes:
    """Return the PEM of all trust anchors named on the command line. Raises UsageError or AcceptanceError."""
    files = {path: read_file(path, "the trust anchor") for path in trust}
    for path, pem in files.items():
        load_chain(pem, name=path)
    return b"".join(pem.rstrip() + b"\n" for pem in files.values())


@dataclass(frozen=True)
class Trust:
    """The trust options of a command. Raises UsageError when they exclude one another."""

    files: Sequence[Path]
    file: Path | None = None
    unsafe: bool = False

    def __post_init__(self) -> None:
        if sum((bool(self.files), self.file is not None, self.unsafe)) > 1:
            raise UsageError("give one of --trust, --policy and --unsafe-skip-verification")

    @property
    def given(self) -> bool:
        """Whether it was said what to do with an acceptance file."""
        return bool(self.files) or self.file is not None or self.unsafe

    def policy(self) -> TrustPolicy | None:
        """Return the policy, or None when there is none. Raises UsageError or AcceptanceError for a broken one."""
        if self.file is not None:
            return read_policy(self.file)
        return TrustPolicy(load_chain(anchors(self.files))) if self.files else None

    def open(self, path: Path) -> Recorded:
        """Return the run in a folder or an acceptance file, verified. Raises AcceptanceError."""
        return open_recorded(path, self.policy(), datetime.now(UTC), unsafe_skip_verification=self.unsafe)
