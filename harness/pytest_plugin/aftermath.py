"""What the runs of a session leave to be told at its end, also where several workers made them."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.engine.codes import Language
from harness.engine.events import Event, RunFinished, SetFinished
from harness.report.inert import printable
from harness.report.words import WORDS


class Aftermath:
    """What could not be deleted on the candidate, and the waivers that met nothing in any run. A writer."""

    def __init__(self) -> None:
        """Know of no run."""
        self.left: tuple[str, ...] = ()
        self._unmet: set[str] | None = None

    def open(self) -> None:
        """Nothing to get ready."""

    def write(self, event: Event) -> None:
        """Keep what is to be told."""
        match event:
            case SetFinished():
                self.left += event.leftovers
            case RunFinished():
                self._met_but(event.waivers_unmet)
            case _:
                pass

    def close(self) -> None:
        """Nothing to finish."""

    def _met_but(self, unmet: Sequence[str]) -> None:
        self._unmet = set(unmet) if self._unmet is None else self._unmet & set(unmet)

    @property
    def told(self) -> dict[str, Any]:
        """What a worker tells the leading process, as plain values."""
        return {"left": list(self.left), "unmet": None if self._unmet is None else sorted(self._unmet)}

    def hear(self, told: Mapping[str, Any]) -> None:
        """Take what a worker told."""
        self.left += tuple(told["left"])
        if told["unmet"] is not None:
            self._met_but(told["unmet"])

    def lines(self, language: Language) -> Iterator[str]:
        """What to show a person."""
        words = WORDS[language]
        colon = " :" if language == "fr" else ":"
        for place in dict.fromkeys(self.left):
            yield printable(f"{words.leftover}{colon} {place}")
        for name in sorted(self._unmet or ()):
            yield printable(f"{words.waiver_unmet}{colon} {name}")
