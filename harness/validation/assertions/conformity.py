"""type.profile: the value conforms to one of these profiles (FHIR R4 ElementDefinition.type.profile)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.validation.location import Location
from harness.validation.schema import Origin
from harness.validation.scope import Scope


@dataclass(frozen=True, slots=True)
class Conformity:
    """The value conforms to at least one of ``profiles``."""

    origin: Origin
    profiles: tuple[str, ...]

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """With one profile report what it finds; with several, report when none fits, and what each finds."""
        judge = scope.session.judge
        if len(self.profiles) == 1:
            judge.apply(value, self.profiles[0], where, scope)
            return
        answers = [judge.conforms(value, profile, where, scope) for profile in self.profiles]
        if True in answers:
            return
        undecided = None in answers
        origin = self.origin
        expected = " | ".join(self.profiles)
        if undecided:
            scope.report(
                "profile-unknown",
                where,
                found=expected,
                profile=origin.profile,
                definition=origin.element,
                undecided=True,
            )
        else:
            scope.report(
                "profile-none-matches", where, expected=expected, profile=origin.profile, definition=origin.element
            )
            for profile in self.profiles:
                judge.apply(value, profile, where, scope)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"profiles": list(self.profiles)}
