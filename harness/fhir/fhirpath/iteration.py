"""The functions that evaluate an argument for each item (N1 §5.1 to §5.3): where, select, all, exists, repeat, …

Each builder takes the translated source and argument. ``$index`` and ``$total`` live in the environment, which is
copied for each item only where the argument reads ``$index`` (``counted``).
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath.environment import Environment
from harness.fhir.fhirpath.values import contains, plain

Items = list[Any]
Collect = Callable[[Items, Environment], Items]
Judge = Callable[[Items, Environment], bool | None]
_REPEAT_LIMIT = 100_000


def _scopes(items: Items, environment: Environment, counted: bool) -> Iterator[tuple[Any, Environment]]:
    for index, item in enumerate(items):
        yield item, replace(environment, index=index) if counted else environment


def where(source: Collect, criteria: Judge, counted: bool) -> Collect:
    """The items for which the criteria hold."""

    def kept(focus: Items, environment: Environment) -> Items:
        items = source(focus, environment)
        if not counted:
            return [item for item in items if criteria([item], environment)]
        return [item for item, scope in _scopes(items, environment, counted) if criteria([item], scope)]

    return kept


def select(source: Collect, projection: Collect, counted: bool) -> Collect:
    """What the projection gives for each item, in one collection."""

    def projected(focus: Items, environment: Environment) -> Items:
        items = source(focus, environment)
        return [each for item, scope in _scopes(items, environment, counted) for each in projection([item], scope)]

    return projected


def every(source: Collect, criteria: Judge, counted: bool) -> Judge:
    """``all``: do the criteria hold for each item? Empty criteria do not hold."""

    def verdict(focus: Items, environment: Environment) -> bool:
        items = source(focus, environment)
        return all(criteria([item], scope) is True for item, scope in _scopes(items, environment, counted))

    return verdict


def some(source: Collect, criteria: Judge, counted: bool) -> Judge:
    """``exists`` with criteria: do they hold for an item?"""

    def verdict(focus: Items, environment: Environment) -> bool:
        items = source(focus, environment)
        return any(criteria([item], scope) is True for item, scope in _scopes(items, environment, counted))

    return verdict


def repeat(source: Collect, projection: Collect, counted: bool) -> Collect:
    """What the projection gives, again and again, until nothing new comes. Raises FHIRPathError beyond a limit."""

    def closure(focus: Items, environment: Environment) -> Items:
        found: Items = []
        seen: set[int] = set()
        level = source(focus, environment)
        while level:
            fresh: Items = []
            for item, scope in _scopes(level, environment, counted):
                for each in projection([item], scope):
                    value = plain(each)
                    key = id(value)
                    if (type(value) is dict and key in seen) or (type(value) is not dict and contains(found, each)):
                        continue
                    seen.add(key)
                    found.append(each)
                    fresh.append(each)
            if len(found) > _REPEAT_LIMIT:
                raise FHIRPathError(
                    f"FHIRPath repeat() gave more than {_REPEAT_LIMIT} items",
                    f"FHIRPath repeat() a donné plus de {_REPEAT_LIMIT} éléments",
                )
            level = fresh
        return found

    return closure


def aggregate(source: Collect, aggregator: Collect, start: Collect | None) -> Collect:
    """Fold the items; the aggregator reads ``$this`` and ``$total``."""

    def folded(focus: Items, environment: Environment) -> Items:
        total = start(focus, environment) if start is not None else []
        for index, item in enumerate(source(focus, environment)):
            total = aggregator([item], replace(environment, index=index, total=total))
        return total

    return folded


def choose(source: Collect, criterion: Judge, first: Collect, second: Collect | None) -> Collect:
    """``iif``: the first result where the criterion holds, else the second; only the one needed is evaluated."""

    def chosen(focus: Items, environment: Environment) -> Items:
        items = source(focus, environment)
        if criterion(items, environment):
            return first(items, environment)
        return second(items, environment) if second is not None else []

    return chosen
