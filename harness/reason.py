"""Why something is so, in English, with its French beside it."""

from collections.abc import Iterable

from harness.errors import HarnessError


class Reason(str):
    """A reason in English; ``fr`` is the same in French."""

    __slots__ = ("fr",)
    fr: str

    def __new__(cls, en: str, fr: str) -> "Reason":
        """Return ``en`` with ``fr`` beside it."""
        made = super().__new__(cls, en)
        made.fr = fr
        return made

    def __reduce__(self) -> tuple[type["Reason"], tuple[str, str]]:
        return Reason, (str(self), self.fr)


def french(reason: str) -> str:
    """Return ``reason`` in French; a text of others, such as a server's, as it is."""
    return reason.fr if isinstance(reason, Reason) else reason


def told(problem: Exception) -> Reason:
    """Return what ``problem`` says, in French too where it is ours."""
    return Reason(str(problem), problem.message_fr if isinstance(problem, HarnessError) else str(problem))


def joined(reasons: Iterable[str], between: tuple[str, str] = ("; ", " ; ")) -> Reason:
    """Return those of ``reasons`` that say something, with ``between`` (English, French) between them."""
    said = [reason for reason in reasons if reason]
    return Reason(between[0].join(said), between[1].join(map(french, said)))
