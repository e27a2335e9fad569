"""What a translation leaves out."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Loss:
    """One thing that the other language cannot say, or that says less there."""

    place: str
    """Where it stands: ``test 01-read, action 3``, ``weight-is-stored, step 2``."""
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.place}: {self.what}: {self.why}"
