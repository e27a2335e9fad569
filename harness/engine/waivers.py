"""Waivers: findings that are known and accepted until a day. They stay in the evidence, and count as warnings."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

from harness.engine.codes import CODES, lookup
from harness.engine.events import CheckResult, Finding
from harness.engine.verdict import Verdict, combine
from harness.errors import TestSetError, UsageError
from harness.suite.problem import nearest
from harness.suite.schema import check
from harness.suite.source import read_bytes, read_yaml

_WAIVABLE = frozenset({Verdict.FAIL, Verdict.WARN, Verdict.UNDECIDED})
"""An error is nobody's to accept: nothing was proven."""


@dataclass(frozen=True)
class Waiver:
    """One accepted departure: which findings, why, who says so, and until when."""

    code: str
    reason: str
    author: str
    expires: str
    path: str = ""
    test: str = ""
    requirement: str = ""

    @property
    def name(self) -> str:
        """What tells it apart in messages."""
        return " ".join(part for part in (self.code, self.path, self.test, self.requirement) if part)

    def meets(self, finding: Finding, test_set: str, test: str) -> bool:
        """Tell whether ``finding`` of that test is one of those that it is about."""
        plain = test.partition("[")[0]
        named = {test, plain, f"{test_set}/{test}", f"{test_set}/{plain}"}
        return (
            f"{finding.code}.".startswith(f"{self.code}.")
            and self.path in ("", finding.expression)
            and (not self.test or self.test in named)
            and (not self.requirement or self.requirement in finding.requirements)
        )


class Waivers:
    """The waivers of a run. Which of them met something is kept: one that meets nothing is out of date."""

    def __init__(self, waivers: Iterable[Waiver] = ()) -> None:
        self._waivers = tuple(waivers)
        self._met: set[Waiver] = set()

    @classmethod
    def from_file(cls, path: Path) -> "Waivers":
        """Read a waiver file. Raises UsageError with file, line and column of each fault."""
        try:
            document = read_yaml(read_bytes(path, str(path)), str(path))
        except TestSetError as problem:
            raise UsageError(str(problem)) from problem
        faults = [str(fault.problem) for fault in check(document, "waivers.schema.json", "harness.engine")]
        if not faults:
            faults = [
                f"{document.at(('waivers', index, name))}: {fault}"
                for index, waiver in enumerate(document.value["waivers"])
                for name, fault in _faults(waiver)
            ]
        if faults:
            raise UsageError("\n".join(faults))
        return cls.of(document.value["waivers"])

    @classmethod
    def of(cls, recorded: Iterable[Mapping[str, Any]]) -> "Waivers":
        """Return the waivers that a run recorded."""
        return cls(Waiver(**{str(name): str(value) for name, value in one.items()}) for one in recorded)

    @property
    def recorded(self) -> tuple[Mapping[str, Any], ...]:
        """What a run records of them."""
        return tuple({name: value for name, value in vars(waiver).items() if value} for waiver in self._waivers)

    @property
    def unmet(self) -> tuple[str, ...]:
        """Those that met no finding, or only once they had expired."""
        return tuple(waiver.name for waiver in self._waivers if waiver not in self._met)

    def apply(self, result: CheckResult, test_set: str, test: str, now: datetime) -> CheckResult:
        """Return ``result`` with its findings waived where that holds on the day of ``now``."""
        if not self._waivers or not result.findings:
            return result
        findings = tuple(self._one(finding, test_set, test, now.date()) for finding in result.findings)
        return replace(result, findings=findings, verdict=combine(one.verdict for one in findings) or result.verdict)

    def _one(self, finding: Finding, test_set: str, test: str, today: date) -> Finding:
        if finding.verdict not in _WAIVABLE:
            return finding
        for waiver in self._waivers:
            if waiver.meets(finding, test_set, test) and today <= date.fromisoformat(waiver.expires):
                self._met.add(waiver)
                told = f"{waiver.reason} ({waiver.author}, ≤ {waiver.expires})"
                return replace(finding, verdict=Verdict.WARN, waived=told)
        return finding


def _faults(waiver: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield what the schema cannot say of a waiver, by the member that it is about."""
    family = f"{waiver['code']}."
    if lookup(waiver["code"]) is None and not any(code.startswith(family) for code in CODES):
        yield "code", f'no finding has the code "{waiver["code"]}"{nearest(waiver["code"], CODES)}'
    if not _is_day(waiver["expires"]):
        yield "expires", f"{waiver['expires']} is no day of the calendar"


def _is_day(text: str) -> bool:
    try:
        date.fromisoformat(text)
    except ValueError:
        return False
    return True
