"""From a good resource, one bad resource for each constraint of its profile, that breaks this one alone.

Every mutant is judged before it is handed out. It has errors about the one constraint, at the one place, and, where
nothing else can be, those that follow: the errors that every change that breaks the constraint brings along (a value
that is taken away because one is needed also breaks the invariant that asks for it). A constraint that no change of
this resource breaks alone gives no mutant: a fixed value by which a slice is told, for one, cannot be wrong in that
slice, it makes the slice absent, which is the mutant of the slice.
"""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from harness.errors import UsageError
from harness.fhir.definitions import Definitions
from harness.validation.generation.breach import Breach
from harness.validation.generation.breaking_structure import added, of_structure
from harness.validation.generation.breaking_values import of_value
from harness.validation.generation.paths import edited
from harness.validation.generation.walk import Spot, spots
from harness.validation.judge import Judge
from harness.validation.location import root
from harness.validation.outcome import Issue
from harness.validation.scope import Scope, Session, Settings
from harness.validation.validator import Validator

_TRIES = 40
"""Changes that are judged for one constraint."""
_PLACES = 2
"""Places where a constraint is tried before it is given up."""


@dataclass(frozen=True)
class Mutant:
    """A resource that breaks one constraint.

    ``name`` is stable: ``rule@element-id``, with the key of an invariant (``invariant:vs-2@Observation``). ``rule`` is
    the validator's, ``expression`` the place of its error in ``resource``, ``expected`` what the constraint asks for.
    ``follows`` names the errors that cannot but come along, mostly none.
    """

    name: str
    rule: str
    element: str
    profile: str
    expression: str
    resource: dict[str, Any]
    description: Mapping[str, str]
    constraint: str | None = None
    expected: str | None = None
    follows: tuple[str, ...] = ()


def mutants(
    resource: Mapping[str, Any],
    profile: str,
    definitions: Definitions,
    *,
    seed: int = 0,
    validator: Validator | None = None,
) -> tuple[Mutant, ...]:
    """Return the mutants of ``resource`` in the order of its elements, the same for the same ``seed``.

    Elements of the profile that are absent are put in first, in their simplest good form, so that what is said about
    them can be broken too. ``validator`` is by default one of ``definitions``. Raises UsageError when the profile is
    not known or ``resource`` is not valid against it.
    """
    validator = validator or Validator(definitions)
    good = copy.deepcopy(dict(resource))
    errors = validator.validate(good, [profile]).errors
    if errors:
        raise UsageError(
            f"{profile}: mutants are made of a resource that is valid, and this one is not: "
            f"{errors[0].expression}: {errors[0].message}"
        )
    return tuple(_Maker(good, profile, validator, str(seed)).mutants())


class _Maker:
    def __init__(self, good: dict[str, Any], profile: str, validator: Validator, seed: str) -> None:
        self._good = good
        self._profile = profile
        self._validator = validator
        self._seed = seed
        self._made: set[str] = set()
        self._tried: Counter[str] = Counter()

    def mutants(self) -> Iterator[Mutant]:
        judge = self._validator.judge
        own = list(spots(self._good, self._profile, judge))
        for spot in own:
            yield from self._of(spot, self._good, judge)
        for spot in own:
            if len(spot.path) <= 2 and isinstance(spot.value, dict) and self._is_own(spot):
                yield from self._absent(spot, judge)

    def _is_own(self, spot: Spot) -> bool:
        """Whether the profile itself, and not a data type, describes the element."""
        return spot.element.schemas[0].origin.profile == self._profile.partition("|")[0]

    def _absent(self, spot: Spot, judge: Judge) -> Iterator[Mutant]:
        """The mutants of what ``spot`` could hold and does not."""
        for proposal in added(spot, self._seed):
            path = proposal[0][0]
            richer = edited(self._good, proposal)
            if not self._validator.validate(richer, [self._profile]).ok:
                continue
            for inner in spots(richer, self._profile, judge):
                if inner.path[: len(path)] == path or inner.path == spot.path:
                    yield from self._of(inner, richer, judge)

    def _of(self, spot: Spot, base: dict[str, Any], judge: Judge) -> Iterator[Mutant]:
        scope = Scope(Session(judge, Settings()), base, root(str(base.get("resourceType"))))
        for breach in (*of_value(spot, self._seed), *of_structure(spot, self._seed, scope)):
            if breach.name in self._made or self._tried[breach.name] >= _PLACES:
                continue
            self._tried[breach.name] += 1
            mutant = self._realised(breach, base)
            if mutant is not None:
                self._made.add(breach.name)
                yield mutant

    def _realised(self, breach: Breach, base: dict[str, Any]) -> Mutant | None:
        """The first change that breaks the constraint alone, else the one that brings along what always comes along."""
        found: list[tuple[dict[str, Any], Issue, list[Issue]]] = []
        changes = (edited(base, proposal) for proposal in breach.proposals)
        likely = (change for change in changes if change != base and breach.suspects(change))
        for change in islice(likely, _TRIES):
            errors = self._validator.validate(change, [self._profile]).errors
            told = next((issue for issue in errors if breach.told_by(issue)), None)
            if told is None:
                continue
            others = [issue for issue in errors if not breach.told_by(issue)]
            if not others:
                return self._mutant(breach, change, told, ())
            found.append((change, told, others))
        if not found:
            return None
        always = set.intersection(*({_label(issue) for issue in others} for _, _, others in found))
        for change, told, others in found:
            if {_label(issue) for issue in others} <= always:
                return self._mutant(breach, change, told, others)
        return None

    def _mutant(self, breach: Breach, change: dict[str, Any], told: Issue, others: Sequence[Issue]) -> Mutant:
        return Mutant(
            name=breach.name,
            rule=breach.rule,
            element=breach.element,
            profile=self._profile,
            expression=told.expression,
            resource=change,
            description={lang: _described(breach.element, told.text(lang)) for lang in ("en", "fr")},
            constraint=told.constraint,
            expected=None if breach.expected is None else str(breach.expected),
            follows=tuple(dict.fromkeys(map(_label, others))),
        )


def _described(element: str, text: str) -> str:
    """What is wrong, with the element, which some texts name themselves."""
    return text if text.startswith(element) else f"{element}: {text}"


def _label(issue: Issue) -> str:
    """An error by its constraint, as the names of mutants have it."""
    key = f":{issue.constraint}" if issue.constraint else ""
    return f"{issue.rule}{key}@{issue.definition or issue.expression}"
