"""What a translation leaves out, or says otherwise."""

from dataclasses import dataclass

from harness.errors import HarnessError


class CannotBeSaid(HarnessError):
    """The other language has no words for it; the message says why, and what to do."""


@dataclass(frozen=True)
class Loss:
    """One thing that the other language cannot say, or says otherwise."""

    place: str
    """Where it stands: ``test 01-read, action 3``, ``weight-is-stored, step 2``."""
    what: str
    why: str
    kept: bool = False
    """True: it was carried over, though not word for word; ``why`` tells the difference."""

    def __str__(self) -> str:
        return f"{self.place}: {self.what}: {self.why}"
