"""Why an item does not belong to a slice, in English and French: what stands at the discriminator, and what should."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from harness.validation.assertions.binding import concepts, written
from harness.validation.assertions.matchers import (
    AtPosition,
    Conforms,
    Equals,
    Every,
    Exists,
    HasType,
    InSomeValueSet,
    InValueSet,
    Satisfies,
    path_text,
    select,
)
from harness.validation.hints import hint_wanted
from harness.validation.location import Location, render
from harness.validation.scope import Scope, shown

Words = tuple[str, str]
"""English and French."""
_ITEMS = 3
_ERRORS = ("error", "fatal")


def told(scope: Scope) -> bool:
    """Whether somebody will read reasons: nobody does in a trial, nor where a thousand things are wrong."""
    return not scope.session.depth and hint_wanted(scope)


def why_none(parts: Sequence[tuple[str, Any]], item: Any, where: Location, scope: Scope) -> Words:
    """Why ``item`` belongs to none of ``parts``, the names and matchers of slices."""
    reasons = [(name, why_not(matcher, item, where, scope)) for name, matcher in parts]
    return _joined([(f"{name}: {en}", f"{name} : {fr}") for name, (en, fr) in reasons], ("; ", " ; "))


def near_misses(matcher: Any, items: Sequence[tuple[Any, Location]], scope: Scope) -> Words:
    """Why the first of ``items`` do not belong to the slice of ``matcher``; no words where there are no items."""
    found = [(where, why_not(matcher, item, where, scope)) for item, where in items[:_ITEMS]]
    listed = [(f"{render(where)}: {en}", f"{render(where)} : {fr}") for where, (en, fr) in found]
    en, fr = _joined(listed, ("; ", " ; "))
    return (f"; {en}", f" ; {fr}") if listed else ("", "")


def why_not(matcher: Any, item: Any, where: Location, scope: Scope) -> Words:
    """Why ``item`` does not fit ``matcher``; for several conditions, those that do not hold."""
    if isinstance(matcher, Every):
        failed = [part for part in matcher.parts if part.matches(item, where, scope) is not True]
        return _joined([why_not(part, item, where, scope) for part in failed or matcher.parts], (" and ", " et "))
    if isinstance(matcher, Equals | InValueSet | InSomeValueSet):
        return _value(matcher, item, scope)
    path = path_text(matcher.steps) if isinstance(matcher, Exists | HasType | Conforms) else ""
    if isinstance(matcher, Exists):
        return (f"{path} is absent", f"{path} est absent") if matcher.wanted else (f"{path} exists", f"{path} existe")
    if isinstance(matcher, HasType):
        wanted = " | ".join(sorted(matcher.types))
        kinds = {scope.session.judge.type_of(value, where) for value in select(item, matcher.steps, scope) or ()}
        named = " | ".join(sorted(kind for kind in kinds if kind))
        return (
            f"{path} is {named or 'of another type'}, not {wanted}",
            f"{path} est de type {named or 'différent'}, et non {wanted}",
        )
    if isinstance(matcher, AtPosition):
        return f"it is not at index {matcher.index}", f"il n'est pas à l'index {matcher.index}"
    if isinstance(matcher, Conforms | Satisfies):
        return _broken(matcher, path or "$this", item, where, scope)
    words = matcher.describe()
    return str(words), words.fr


def _value(matcher: Equals | InValueSet | InSomeValueSet, item: Any, scope: Scope) -> Words:
    path = path_text(matcher.steps)
    values = select(item, matcher.steps, scope)
    if values is None:
        return f"{path} refers to what is not here", f"{path} désigne ce qui n'est pas ici"
    if isinstance(matcher, Equals):
        wanted = f"'{matcher.expected}'" if isinstance(matcher.expected, str) else shown(matcher.expected)
        found = ", ".join(f"'{value}'" if isinstance(value, str) else shown(value) for value in values[:_ITEMS])
        if not found:
            return f"{path} is absent, not {wanted}", f"{path} est absent, et non {wanted}"
        return f"{path} is {found}, not {wanted}", f"{path} vaut {found}, et non {wanted}"
    sets = matcher.value_sets if isinstance(matcher, InSomeValueSet) else (matcher.value_set,)
    codes = ", ".join(written(concept) for value in values[:_ITEMS] for concept in concepts(value))
    if not codes:
        return f"{path} has no code of {' | '.join(sets)}", f"{path} n'a pas de code de {' | '.join(sets)}"
    return f"{path} is {codes}, not in {' | '.join(sets)}", f"{path} vaut {codes}, hors de {' | '.join(sets)}"


def _broken(matcher: Conforms | Satisfies, path: str, item: Any, where: Location, scope: Scope) -> Words:
    """The first error by the profile that the slice names, or by the slice itself."""
    if isinstance(matcher, Satisfies):
        trial, name = scope.muted(), ("the slice", "la tranche")
        matcher.schema().check(item, where, trial)
    else:
        value = next(iter(select(item, matcher.steps, scope) or ()), None)
        if value is None:
            return f"{path} is absent", f"{path} est absent"
        trial, name = scope.trial(value, where), (matcher.profiles[0], matcher.profiles[0])
        scope.session.judge.apply(value, matcher.profiles[0], where, trial)
    first = next((issue for issue in trial.session.issues if issue.severity in _ERRORS), None)
    en, fr = f"{path} does not conform to {name[0]}", f"{path} n'est pas conforme à {name[1]}"
    return (f"{en} ({first.text('en')})", f"{fr} ({first.text('fr')})") if first is not None else (en, fr)


def _joined(words: Sequence[Words], between: Words) -> Words:
    return between[0].join(en for en, _ in words), between[1].join(fr for _, fr in words)
