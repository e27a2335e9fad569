"""How discriminators tell slices apart (FHIR R4 profiling §5.1.0.15: value, pattern, exists, type, profile)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import DefinitionError
from harness.reason import Reason, joined
from harness.validation.assertions.binding import concepts
from harness.validation.assertions.fixed import same
from harness.validation.assertions.pattern import contains
from harness.validation.location import Location
from harness.validation.scope import Scope, shown

Step = tuple[str, str]
_STEP = re.compile(
    r"(?P<extension>extension\('(?P<url>[^']*)'\))|ofType\((?P<type>[\w.]+)\)|(?P<resolve>resolve\(\))"
    r"|(?P<this>\$this)|(?P<name>\w+(?:\[x\])?)"
)


def parse_path(path: str) -> tuple[Step, ...]:
    """The steps of a discriminator's path. Raises DefinitionError for a path outside the allowed subset."""
    steps: list[Step] = []
    position = 0
    while position < len(path):
        found = _STEP.match(path, position)
        if not found:
            raise _no_path(path)
        position = found.end()
        if found["url"] is not None:
            steps.append(("extension", found["url"]))
        elif found["type"]:
            steps.append(("ofType", found["type"]))
        elif found["resolve"]:
            steps.append(("resolve", ""))
        elif found["name"]:
            steps.append(("child", found["name"].removesuffix("[x]")))
        if position < len(path) and path[position] != ".":
            raise _no_path(path)
        position += 1
    return tuple(steps)


def _no_path(path: str) -> DefinitionError:
    return DefinitionError(
        f"the discriminator path '{path}' is not one that R4 allows",
        f"le chemin de discriminant « {path} » n'est pas de ceux que R4 admet",
    )


def _quoted(value: Any) -> str:
    return f"'{value}'" if isinstance(value, str) else shown(value)


def child_values(item: Mapping[str, Any], name: str) -> list[Any]:
    """The values of the child ``name``, also where it is a choice."""
    value = item.get(name)
    if value is None:
        size = len(name)
        value = next((v for k, v in item.items() if k.startswith(name) and k[size : size + 1].isupper()), None)
    return [] if value is None else value if isinstance(value, list) else [value]


def select(item: Any, steps: tuple[Step, ...], scope: Scope) -> list[Any] | None:
    """What ``steps`` lead to from ``item``; None where a reference could not be followed."""
    values = [item]
    for kind, argument in steps:
        found: list[Any] = []
        for value in values:
            if not isinstance(value, Mapping):
                continue
            if kind == "child":
                found.extend(child_values(value, argument))
            elif kind == "extension":
                found.extend(
                    e for e in value.get("extension") or () if isinstance(e, Mapping) and e.get("url") == argument
                )
            elif kind == "resolve":
                target = scope.resolve(value.get("reference"))
                if target is None:
                    return None if value.get("reference") else []
                found.append(target)
            elif kind == "ofType":
                found.append(value)
        if kind == "ofType" and not found:
            found = values
        values = found
    return values


def path_text(steps: tuple[Step, ...]) -> str:
    """The path as FHIRPath."""
    words = {"child": "{}", "extension": "extension('{}')", "ofType": "ofType({})", "resolve": "resolve()"}
    return ".".join(words[kind].format(argument) for kind, argument in steps) or "$this"


@dataclass(frozen=True, slots=True)
class Equals:
    """Some value at the path is ``expected`` (exactly), or contains it (a pattern)."""

    steps: tuple[Step, ...]
    expected: Any
    exact: bool

    def matches(self, item: Any, _where: Location, scope: Scope) -> bool | None:
        """Whether one of the values fits."""
        values = select(item, self.steps, scope)
        if values is None:
            return None
        fits = same if self.exact else contains
        return any(fits(value, self.expected) for value in values)

    def describe(self) -> Reason:
        """The condition in words."""
        words = f"{path_text(self.steps)} {'=' if self.exact else '~'} {_quoted(self.expected)}"
        return Reason(words, words)


@dataclass(frozen=True, slots=True)
class InValueSet:
    """Some value at the path is in the value set of a binding."""

    steps: tuple[Step, ...]
    value_set: str

    def matches(self, item: Any, _where: Location, scope: Scope) -> bool | None:
        """Whether one of the codes is a member."""
        values = select(item, self.steps, scope)
        if values is None:
            return None
        verdict: bool | None = False
        for value in values:
            for system, code in concepts(value):
                answer, _ = scope.session.judge.member(self.value_set, system, code)
                if answer:
                    return True
                if answer is None:
                    verdict = None
        return verdict

    def describe(self) -> Reason:
        """The condition in words."""
        path = path_text(self.steps)
        return Reason(f"{path} in {self.value_set}", f"{path} dans {self.value_set}")


@dataclass(frozen=True, slots=True)
class InSomeValueSet:
    """Every value at the path is in one of the value sets: the slices of a closed slicing, each with its binding."""

    steps: tuple[Step, ...]
    value_sets: tuple[str, ...]

    def matches(self, item: Any, _where: Location, scope: Scope) -> bool | None:
        """Whether all codes are members, False when none is; None when only some are, or that cannot be told."""
        values = select(item, self.steps, scope)
        if values is None:
            return None
        member = scope.session.judge.member
        found: set[bool | None] = set()
        for system, code in (concept for value in values for concept in concepts(value)):
            answers = {member(value_set, system, code)[0] for value_set in self.value_sets}
            found.add(True if True in answers else None if None in answers else False)
        return found == {True} if len(found) < 2 and None not in found else None

    def describe(self) -> Reason:
        """The condition in words."""
        path = path_text(self.steps)
        return Reason(f"{path} in {' or '.join(self.value_sets)}", f"{path} dans {' ou '.join(self.value_sets)}")


@dataclass(frozen=True, slots=True)
class Exists:
    """There is something at the path, or nothing."""

    steps: tuple[Step, ...]
    wanted: bool

    def matches(self, item: Any, _where: Location, scope: Scope) -> bool | None:
        """Whether that is so."""
        values = select(item, self.steps, scope)
        return None if values is None else bool(values) is self.wanted

    def describe(self) -> Reason:
        """The condition in words."""
        path = path_text(self.steps)
        en, fr = ("exists", "existe") if self.wanted else ("is absent", "est absent")
        return Reason(f"{path} {en}", f"{path} {fr}")


@dataclass(frozen=True, slots=True)
class HasType:
    """What stands at the path is of one of these types: a resource type, or the type of a choice."""

    steps: tuple[Step, ...]
    types: frozenset[str]

    def matches(self, item: Any, where: Location, scope: Scope) -> bool | None:
        """Whether the type is one of them."""
        if self.steps and self.steps[-1][0] == "child":
            return self._choice(item, scope)
        values = select(item, self.steps, scope)
        if values is None:
            return self._by_reference(item, scope)
        judge = scope.session.judge
        return any(self._is(judge.type_of(value, where if not self.steps else None)) for value in values)

    def _is(self, name: str | None) -> bool:
        return name is not None and (name in self.types or bool(self.types & {"Resource", "DomainResource"}))

    def _choice(self, item: Any, scope: Scope) -> bool | None:
        parents = select(item, self.steps[:-1], scope)
        if parents is None:
            return None
        name = self.steps[-1][1]
        for parent in parents:
            if not isinstance(parent, Mapping):
                continue
            direct = parent.get(name)
            if isinstance(direct, Mapping) and "resourceType" in direct:
                direct = direct if self._is(direct["resourceType"]) else None
            if direct is not None or any(name + kind[:1].upper() + kind[1:] in parent for kind in self.types):
                return True
        return False

    def _by_reference(self, item: Any, scope: Scope) -> bool | None:
        """A reference that cannot be followed still says its type in ``type`` or in its URL."""
        references = select(item, self.steps[:-1], scope) or []
        named = [scope.session.judge.referenced_type(r) for r in references if isinstance(r, Mapping)]
        return any(self._is(name) for name in named) if named and all(named) else None

    def describe(self) -> Reason:
        """The condition in words."""
        path, types = path_text(self.steps), sorted(self.types)
        return Reason(f"{path} is a {' or '.join(types)}", f"{path} est de type {' ou '.join(types)}")


@dataclass(frozen=True, slots=True)
class Conforms:
    """What stands at the path conforms to one of these profiles."""

    steps: tuple[Step, ...]
    profiles: tuple[str, ...]

    def matches(self, item: Any, where: Location, scope: Scope) -> bool | None:
        """Whether it does."""
        values = select(item, self.steps, scope)
        if values is None:
            return None
        verdict: bool | None = False
        for value in values:
            inner = scope
            if isinstance(value, Mapping) and "resourceType" in value and isinstance(item, Mapping):
                inner = scope.entry(value, item, where)
            for profile in self.profiles:
                answer = scope.session.judge.conforms(value, profile, where, inner)
                if answer:
                    return True
                if answer is None:
                    verdict = None
        return verdict

    def describe(self) -> Reason:
        """The condition in words."""
        path, profiles = path_text(self.steps), self.profiles
        return Reason(f"{path} conforms to {' or '.join(profiles)}", f"{path} est conforme à {' ou '.join(profiles)}")


@dataclass(frozen=True, slots=True)
class AtPosition:
    """The item stands at this index."""

    index: int

    def matches(self, _item: Any, where: Location, _scope: Scope) -> bool | None:
        """Whether it does."""
        return where[2] == self.index

    def describe(self) -> Reason:
        """The condition in words."""
        return Reason(f"index {self.index}", f"index {self.index}")


@dataclass(frozen=True, slots=True)
class Every:
    """All of several conditions."""

    parts: tuple[Any, ...]

    def matches(self, item: Any, where: Location, scope: Scope) -> bool | None:
        """Whether all hold; None where none is false and one cannot be told."""
        verdict: bool | None = True
        for part in self.parts:
            answer = part.matches(item, where, scope)
            if answer is False:
                return False
            if answer is None:
                verdict = None
        return verdict

    def describe(self) -> Reason:
        """The conditions in words."""
        return joined((part.describe() for part in self.parts), (" and ", " et "))


@dataclass(frozen=True, slots=True)
class Satisfies:
    """The item has no error when judged by the slice itself: for slices without a discriminator."""

    schema: Any

    def matches(self, item: Any, where: Location, scope: Scope) -> bool | None:
        """Whether judging it by the slice gives no error."""
        trial = scope.muted()
        self.schema().check(item, where, trial)
        return not any(issue.severity in ("error", "fatal") for issue in trial.session.issues)

    def describe(self) -> Reason:
        """The condition in words."""
        return Reason("conforms to the slice", "conforme à la tranche")


@dataclass(frozen=True, slots=True)
class Unknown:
    """The definition does not say how to recognise the slice."""

    reason: Reason

    def matches(self, _item: Any, _where: Location, _scope: Scope) -> bool | None:
        """Nothing can be told."""
        return None

    def describe(self) -> Reason:
        """Why not."""
        return self.reason
