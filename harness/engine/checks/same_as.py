"""``same-as``: the answer's resource says the same as what was sent, received or written in the test set.

Types count (``1`` is not ``true`` or ``"1"``), decimals keep their digits, instants are the same moment at the same
precision. Lists are compared in order, but for those whose order says nothing, which are compared as multisets. With
``at-least: true`` the answer may hold more: other members, and other items anywhere in a list.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from harness.engine.checks.evidence import Evidence, ExpectationFault, as_list, finding, not_fhir
from harness.engine.events import Finding
from harness.engine.text import shown
from harness.fhir.primitives import temporal

Path = tuple[str | int, ...]

UNORDERED = frozenset({"extension", "modifierExtension", "contained"})
"""Members whose items have no order, wherever they stand."""
_UNORDERED_META = frozenset({"profile", "security", "tag"})
_SEGMENT = re.compile(r"\[(\d+)\]|([^.\[\]]+)")
_MOST = 50
"""Differences that are reported: the first ones tell enough."""


def same_as(expected: Any, evidence: Evidence) -> Iterator[Finding]:
    """Yield a finding for each difference between the answer's resource and the one that ``expected`` names.

    ``expected`` has one of ``sent`` and ``received`` (index of a step) and ``value`` (a resource), and ``except`` or
    ``only`` (paths), and ``at-least`` (true: what the answer has besides does not count).
    """
    if evidence.resource is None:
        index, response = next(evidence.answers)
        yield not_fhir(index, response)
        return
    reference = _reference(expected, evidence)
    skipped = [parse(path) for path in as_list(expected.get("except", ()))]
    only = [parse(path) for path in as_list(expected.get("only", ()))]
    root = str(evidence.resource["resourceType"])
    count = 0
    compare = lacks if expected.get("at-least") is True else differences
    for code, path, wanted, found in compare(reference, evidence.resource):
        if any(covers(prefix, path) for prefix in skipped) or (only and not any(covers(p, path) for p in only)):
            continue
        count += 1
        if count > _MOST:
            return
        yield finding(
            f"same-as.{code}",
            exchange=0,
            expression=written(root, path),
            expected="" if code == "added" else shown(wanted),
            found="" if code == "missing" else shown(found),
        )


def _reference(expected: Any, evidence: Evidence) -> Any:
    if not isinstance(expected, Mapping):
        raise ExpectationFault(
            "same-as needs one of sent, received and value", "same-as demande sent, received ou value"
        )
    if "value" in expected:
        return expected["value"]
    kind = "sent" if "sent" in expected else "received"
    steps: Sequence[Any] = evidence.sent if kind == "sent" else evidence.received
    index = expected.get(kind)
    if type(index) is not int or not 0 <= index < len(steps) or steps[index] is None:
        did = "envoyé" if kind == "sent" else "reçu"
        raise ExpectationFault(
            f"same-as: step {index} {kind} no resource", f"same-as : l'étape {index} n'a pas {did} de ressource"
        )
    return steps[index]


def differences(wanted: Any, found: Any, path: Path = ()) -> Iterator[tuple[str, Path, Any, Any]]:
    """Yield (``missing``, ``added`` or ``changed``, path, wanted, found) for each place where two values differ."""
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for name, member in wanted.items():
            if name in found:
                yield from differences(member, found[name], (*path, name))
            else:
                yield "missing", (*path, name), member, None
        for name in found:
            if name not in wanted:
                yield "added", (*path, name), None, found[name]
    elif isinstance(wanted, (list, tuple)) and isinstance(found, (list, tuple)):
        compare = _multiset if _unordered(path) else _ordered
        yield from compare(wanted, found, path)
    elif not same_value(wanted, found):
        yield "changed", path, wanted, found


def _ordered(wanted: Sequence[Any], found: Sequence[Any], path: Path) -> Iterator[tuple[str, Path, Any, Any]]:
    for index, (one, other) in enumerate(zip(wanted, found, strict=False)):
        yield from differences(one, other, (*path, index))
    for index in range(len(found), len(wanted)):
        yield "missing", (*path, index), wanted[index], None
    for index in range(len(wanted), len(found)):
        yield "added", (*path, index), None, found[index]


def _multiset(wanted: Sequence[Any], found: Sequence[Any], path: Path) -> Iterator[tuple[str, Path, Any, Any]]:
    left = dict(enumerate(found))
    for index, one in enumerate(wanted):
        twin = next((key for key, other in left.items() if not any(differences(one, other))), None)
        if twin is None:
            yield "missing", (*path, index), one, None
        else:
            del left[twin]
    for index, other in left.items():
        yield "added", (*path, index), None, other


def lacks(wanted: Any, found: Any, path: Path = ()) -> Iterator[tuple[str, Path, Any, Any]]:
    """Yield (``missing`` or ``changed``, path, wanted, found) for each part of ``wanted`` that ``found`` lacks.

    Each item of a list needs one of its own that holds at least it, at any place: servers put theirs in between.
    """
    if isinstance(wanted, Mapping) and isinstance(found, Mapping):
        for name, member in wanted.items():
            if name in found:
                yield from lacks(member, found[name], (*path, name))
            else:
                yield "missing", (*path, name), member, None
    elif isinstance(wanted, (list, tuple)) and isinstance(found, (list, tuple)):
        partners: dict[int, int] = {}
        for index, one in enumerate(wanted):
            # null stands for no value, where only the extensions of an item are told (json.html#primitive)
            if one is not None and not _paired(index, wanted, found, partners, set()):
                yield "missing", (*path, index), one, None
    elif not same_value(wanted, found):
        yield "changed", path, wanted, found


def _paired(index: int, wanted: Sequence[Any], found: Sequence[Any], partners: dict[int, int], tried: set[int]) -> bool:
    """Find ``wanted[index]`` an item of its own, moving others to another one where need be; ``partners`` grows."""
    for place, other in enumerate(found):
        if place in tried or any(lacks(wanted[index], other)):
            continue
        tried.add(place)
        if place not in partners or _paired(partners[place], wanted, found, partners, tried):
            partners[place] = index
            return True
    return False


def _unordered(path: Path) -> bool:
    if not path:
        return False
    return path[-1] in UNORDERED or (len(path) > 1 and path[-2] == "meta" and path[-1] in _UNORDERED_META)


def same_value(wanted: Any, found: Any) -> bool:
    """Tell whether two values that are not both objects or lists are the same, type and precision included."""
    if isinstance(wanted, bool) or isinstance(found, bool) or wanted is None or found is None:
        return wanted is found
    if isinstance(wanted, (int, float, Decimal)) and isinstance(found, (int, float, Decimal)):
        return _digits(wanted) == _digits(found)
    if isinstance(wanted, str) and isinstance(found, str):
        return wanted == found or _same_moment(wanted, found)
    return False


def _digits(number: int | float | Decimal) -> tuple[Any, ...]:
    exact = number if isinstance(number, Decimal) else Decimal(str(number))
    return exact.as_tuple()


def _same_moment(wanted: str, found: str) -> bool:
    if "T" not in wanted or "T" not in found:
        return False
    one, other = temporal(wanted), temporal(found)
    if one is None or other is None or one.precision != other.precision:
        return False
    return one.compare(other) == 0


def parse(path: Any) -> Path:
    """Return the segments of a path of ``except`` or ``only``: ``meta.profile``, ``identifier[0].value``."""
    return tuple(int(index) if index else name for index, name in _SEGMENT.findall(str(path)))


def covers(prefix: Path, path: Path) -> bool:
    """Tell whether ``path`` is ``prefix`` or lies below it; a list's index that ``prefix`` leaves out is any."""
    position = 0
    for segment in prefix:
        while position < len(path) and isinstance(path[position], int) and not isinstance(segment, int):
            position += 1
        if position >= len(path) or path[position] != segment:
            return False
        position += 1
    return True


def written(root: str, path: Path) -> str:
    """Return a path as FHIRPath: ``Observation.component[1].code``."""
    return root + "".join(f"[{segment}]" if isinstance(segment, int) else f".{segment}" for segment in path)
