"""Where a value differs from the one that a profile fixes or wants a part of, in English and French."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.validation.location import Location
from harness.validation.schema import Origin
from harness.validation.scope import Scope, shown

Fits = Callable[[Any, Any], bool]
Difference = tuple[str, Any, Any]
"""A path below the value, what stands there (None: nothing), and what should."""
_MOST = 4


def differences(value: Any, expected: Any, fits: Fits, path: str = "") -> Iterator[Difference]:
    """Yield each part of ``expected`` that ``value`` does not have; ``fits`` compares them.

    An item that is missing from a list is compared with the one that is most like it.
    """
    if isinstance(expected, Mapping) and isinstance(value, Mapping):
        for key, part in expected.items():
            if not fits(value.get(key), part):
                yield from differences(value.get(key), part, fits, f"{path}.{key}" if path else key)
    elif isinstance(expected, list) and isinstance(value, list):
        for part in expected:
            if not any(fits(item, part) for item in value):
                likeness, index = max(
                    ((_likeness(item, part, fits), -i) for i, item in enumerate(value)), default=(0, 0)
                )
                if likeness:
                    yield from differences(value[-index], part, fits, f"{path}[{-index}]")
                else:
                    yield path, None, part
    else:
        yield path, value, expected


def _likeness(value: Any, expected: Any, fits: Fits) -> int:
    """How many members of ``expected`` the object ``value`` has, all of them at least as a key."""
    if not isinstance(value, Mapping) or not isinstance(expected, Mapping):
        return 0
    return sum(2 if fits(value.get(key), part) else key in value for key, part in expected.items())


def tell(  # noqa: PLR0917  (what is told, of what, where)
    rule: str, value: Any, expected: Any, found: Iterator[Difference], origin: Origin, where: Location, scope: Scope
) -> None:
    """Report that ``value`` is not as ``expected``, with the differences ``found``."""
    en, fr = _in_words(found, value)
    scope.report(
        rule,
        where,
        found=value,
        expected=expected,
        profile=origin.profile,
        definition=origin.element,
        detail=en,
        detail_fr=fr,
    )


def _in_words(found: Iterator[Difference], value: Any) -> tuple[str, str]:
    """The differences in words, to stand behind what is expected of ``value`` as a whole."""
    if value is None:
        return ", and nothing is there", ", et il n'y a rien"
    listed = list(found)
    if not listed or (len(listed) == 1 and not listed[0][0]):
        there = shown(value)
        return f", found {there}", f", trouvé {there}"
    words = [_one(*difference) for difference in listed[:_MOST]]
    return f": {_listed(words, 0, ', ')}", f" : {_listed(words, 1, ', ')}"


def _one(path: str, there: Any, expected: Any) -> tuple[str, str]:
    name, wanted = path or "$this", shown(expected)
    if there is None:
        return f"{name} lacks {wanted}", f"{name} n'a pas {wanted}"
    return f"{name} is {shown(there)}, not {wanted}", f"{name} vaut {shown(there)}, et non {wanted}"


def _listed(words: Sequence[tuple[str, str]], language: int, between: str) -> str:
    return between.join(pair[language] for pair in words)
