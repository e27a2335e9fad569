"""What a value set holds, as far as it is known: small immutable trees that judge one code."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Protocol

from harness.fhir.code_rules import is_code

Key = tuple[str, str]


class Verdict(StrEnum):
    """The answer to "is this code in that value set?"."""

    IN = "in"
    NOT_IN = "not in"
    UNDECIDED = "undecided"


Judgement = tuple[Verdict, str]
_YES: Judgement = (Verdict.IN, "")
_NO: Judgement = (Verdict.NOT_IN, "")


class Extent(Protocol):
    """A set of codes. ``system`` None asks about a bare code, as the type ``code`` has it."""

    def judge(self, system: str | None, code: str) -> Judgement:
        """Return the verdict, and the reason where it is undecided."""
        ...

    def members(self) -> frozenset[Key] | None:
        """Return every (system, code) that is in it, or None when they cannot be counted up."""
        ...


@dataclass(frozen=True)
class Listed:
    """Exactly these codes. ``folded`` holds (system, lower-case code) of those whose case does not matter."""

    codes: frozenset[Key]
    folded: frozenset[Key] = frozenset()
    bare: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "bare", frozenset(code for _, code in self.codes))

    def judge(self, system: str | None, code: str) -> Judgement:
        if system is None:
            return _YES if code in self.bare else _NO
        if (system, code) in self.codes:
            return _YES
        return _YES if self.folded and (system, code.casefold()) in self.folded else _NO

    def members(self) -> frozenset[Key] | None:
        return self.codes


@dataclass(frozen=True)
class Open:
    """Codes of ``system`` of which only ``known`` are known to be in; ``only_by_rule`` where its grammar decides."""

    system: str
    known: Listed
    reason: str
    whole: bool = False

    def judge(self, system: str | None, code: str) -> Judgement:
        if system is not None and system != self.system:
            return _NO
        if self.known.judge(system, code) == _YES:
            return _YES
        formed = is_code(self.system, code)
        if formed is False:
            return _NO
        if formed and self.whole:
            return _YES
        return Verdict.UNDECIDED, self.reason

    def members(self) -> frozenset[Key] | None:
        return None


@dataclass(frozen=True)
class Unknown:
    """Nothing is known of it."""

    reason: str

    def judge(self, system: str | None, code: str) -> Judgement:  # noqa: ARG002 (whatever is asked)
        return Verdict.UNDECIDED, self.reason

    def members(self) -> frozenset[Key] | None:
        return None


@dataclass(frozen=True)
class AnyOf:
    """In one of ``parts`` at least."""

    parts: tuple[Extent, ...]

    def judge(self, system: str | None, code: str) -> Judgement:
        undecided = _NO
        for part in self.parts:
            answer = part.judge(system, code)
            if answer[0] is Verdict.IN:
                return _YES
            if answer[0] is Verdict.UNDECIDED and undecided is _NO:
                undecided = answer
        return undecided

    def members(self) -> frozenset[Key] | None:
        return None


@dataclass(frozen=True)
class AllOf:
    """In each of ``parts``."""

    parts: tuple[Extent, ...]

    def judge(self, system: str | None, code: str) -> Judgement:
        undecided = _YES
        for part in self.parts:
            answer = part.judge(system, code)
            if answer[0] is Verdict.NOT_IN:
                return _NO
            if answer[0] is Verdict.UNDECIDED and undecided is _YES:
                undecided = answer
        return undecided

    def members(self) -> frozenset[Key] | None:
        return None


@dataclass(frozen=True)
class Without:
    """In ``kept`` and not in ``left_out``."""

    kept: Extent
    left_out: Extent

    def judge(self, system: str | None, code: str) -> Judgement:
        answer = self.kept.judge(system, code)
        if answer[0] is Verdict.NOT_IN:
            return _NO
        out = self.left_out.judge(system, code)
        if out[0] is Verdict.IN:
            return _NO
        return out if out[0] is Verdict.UNDECIDED else answer

    def members(self) -> frozenset[Key] | None:
        return None


def any_of(parts: list[Extent]) -> Extent:
    """Return the union of ``parts``: a list of codes where all of them are."""
    if len(parts) == 1:
        return parts[0]
    listed = [p for p in parts if isinstance(p, Listed)]
    rest = [p for p in parts if not isinstance(p, Listed)]
    joined = Listed(
        frozenset().union(*(p.codes for p in listed)),
        frozenset().union(*(p.folded for p in listed)),
    )
    return AnyOf((joined, *rest)) if rest else joined


def all_of(parts: list[Extent]) -> Extent:
    """Return the intersection of ``parts``: a list of codes where one of them is one and all others decide."""
    if len(parts) == 1:
        return parts[0]
    return _filtered(AllOf(tuple(parts)), parts)


def without(kept: Extent, left_out: Extent) -> Extent:
    """Return ``kept`` less ``left_out``."""
    return _filtered(Without(kept, left_out), [kept])


def _filtered(whole: AllOf | Without, sources: list[Extent]) -> Extent:
    """Count up ``whole`` where one of the ``sources`` it is drawn from is a list and every code of that is decided."""
    listed = next((p for p in sources if isinstance(p, Listed)), None)
    if listed is None:
        return whole
    verdicts = {key: whole.judge(*key)[0] for key in listed.codes}
    if Verdict.UNDECIDED in verdicts.values():
        return whole
    kept = frozenset(key for key, verdict in verdicts.items() if verdict is Verdict.IN)
    return Listed(kept, frozenset(f for f in listed.folded if any((s, c.casefold()) == f for s, c in kept)))
