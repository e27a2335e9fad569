"""Verdicts, their one precedence, and the exit classes of the command."""

from collections.abc import Iterable
from enum import IntEnum, StrEnum


class Verdict(StrEnum):
    """What a check, a test or a run came to. The order of the members is the precedence, strongest first."""

    ERROR = "error"
    """The harness, the test set or the network failed."""
    FAIL = "fail"
    """The candidate broke a SHALL."""
    UNDECIDED = "undecided"
    """The harness could not judge."""
    WARN = "warn"
    """The candidate broke a SHOULD."""
    PASS = "pass"
    SKIP = "skip"
    """Does not apply, with the reason."""


_RANK = {verdict: rank for rank, verdict in enumerate(Verdict)}


class Exit(IntEnum):
    """Exit classes: stable, scripts rely on them."""

    OK = 0
    FAIL = 1
    USAGE = 2
    UNDECIDED = 3
    ERROR = 4
    NOTHING_RAN = 5


def combine(verdicts: Iterable[Verdict]) -> Verdict | None:
    """Return the strongest verdict (error > fail > undecided > warn > pass > skip), or None when there is none.

    None is not a pass: a caller that got no verdict has proven nothing and must say ``error`` or ``skip`` itself.
    """
    return min(verdicts, key=_RANK.__getitem__, default=None)


def exit_class(verdict: Verdict | None) -> Exit:
    """Return the exit class of a run with this combined verdict; None or ``skip`` means that nothing ran."""
    match verdict:
        case Verdict.PASS | Verdict.WARN:
            return Exit.OK
        case Verdict.FAIL:
            return Exit.FAIL
        case Verdict.UNDECIDED:
            return Exit.UNDECIDED
        case Verdict.ERROR:
            return Exit.ERROR
        case _:
            return Exit.NOTHING_RAN
