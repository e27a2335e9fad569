"""The paths of ``set`` and ``remove``: where a test changes a resource before it is sent.

A path is names joined by dots, ``[n]`` for the n-th item of a list (from 0), ``[+]`` for a new last item:
``subject.identifier``, ``name[0].given[1]``, ``extension[+].url``. It never searches: one path, one place.
"""

import copy
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from itertools import pairwise
from typing import Any

from harness.reason import Reason
from harness.suite.problem import ExpressionError, nearest

_PATH = re.compile(r"[A-Za-z_][\w-]*(?:\[(?:\d{1,4}|\+)\])*(?:\.[A-Za-z_][\w-]*(?:\[(?:\d{1,4}|\+)\])*)*", re.ASCII)
_SEGMENT = re.compile(r"\[(\d+|\+)\]|([^.\[\]]+)")

APPEND = "+"
Segment = str | int


@lru_cache(maxsize=1024)
def parse_path(path: str) -> tuple[Segment, ...]:
    """Return the names and indices of ``path``; a new last item is ``"+"``. Raises ExpressionError."""
    if not _PATH.fullmatch(path):
        raise ExpressionError(
            f'"{path}" is not a path: write names joined by dots, [n] for an item, [+] for a new one',
            f"« {path} » n'est pas un chemin : des noms séparés par des points, [n] un élément, [+] un nouveau",
        )
    return tuple(name or (APPEND if index == APPEND else int(index)) for index, name in _SEGMENT.findall(path))


def apply(resource: Mapping[str, Any], changes: Mapping[str, Any], remove: Iterable[str] = ()) -> dict[str, Any]:
    """Return a deep copy of ``resource`` without the paths ``remove``, then with ``changes`` set, each in order.

    Objects and items that a set path needs are made; lists are never skipped over: an index may be at most the length.
    What a removal leaves empty goes too, since FHIR has no empty objects and lists. Raises ExpressionError when a path
    does not fit the resource or there is nothing to remove.
    """
    changed: dict[str, Any] = copy.deepcopy(dict(resource))
    for path in remove:
        _remove(changed, parse_path(path), path)
    for path, value in changes.items():
        _set(changed, parse_path(path), path, copy.deepcopy(value))
    return changed


def _set(resource: dict[str, Any], segments: tuple[Segment, ...], path: str, value: Any) -> None:
    holder: Any = resource
    for segment, after in pairwise(segments):
        fresh: Any = [] if isinstance(after, int) or after == APPEND else {}
        holder = _step(holder, segment, path, fresh)
    _step(holder, segments[-1], path, value, replace=True)


def _step(holder: Any, segment: Segment, path: str, value: Any, *, replace: bool = False) -> Any:
    """Return the member of ``holder`` at ``segment``; put ``value`` there first when it is absent or to be replaced."""
    if isinstance(segment, int) or segment == APPEND:
        if not isinstance(holder, list):
            raise _asked_of(path, f"[{segment}]", f"[{segment}]", holder)
        index = len(holder) if isinstance(segment, str) else segment
        if index > len(holder):
            count = len(holder)
            raise ExpressionError(
                f"cannot set {path}: the list has {count} items, [{index}] would leave a gap",
                f"impossible d'écrire {path} : la liste a {count} éléments, [{index}] laisserait un trou",
            )
        if index == len(holder):
            holder.append(value)
        elif replace:
            holder[index] = value
        return holder[index]
    if not isinstance(holder, dict):
        raise _asked_of(path, f'"{segment}"', f"« {segment} »", holder)
    if replace or segment not in holder:
        holder[segment] = value
    return holder[segment]


def _remove(resource: dict[str, Any], segments: tuple[Segment, ...], path: str) -> None:
    trail: list[tuple[Any, Any]] = []
    holder: Any = resource
    for segment in segments:
        if isinstance(segment, int):
            there = isinstance(holder, list) and segment < len(holder)
        else:
            there = isinstance(holder, dict) and segment in holder
        if not there:
            known = [str(key) for key in holder] if isinstance(holder, dict) else []
            kind, hint = _kind(holder), nearest(str(segment), known)
            raise ExpressionError(
                f'cannot remove {path}: "{segment}" is not there in {kind}{hint}',
                f"impossible de retirer {path} : « {segment} » n'existe pas dans {kind.fr}{hint.fr}",
            )
        trail.append((holder, segment))
        holder = holder[segment]
    owner, last = trail.pop()
    del owner[last]
    while trail and not owner:
        owner, last = trail.pop()
        del owner[last]


def _asked_of(path: str, en: str, fr: str, holder: Any) -> ExpressionError:
    kind = _kind(holder)
    return ExpressionError(
        f"cannot set {path}: {en} is asked of {kind}", f"impossible d'écrire {path} : {fr} est demandé à {kind.fr}"
    )


def _kind(value: Any) -> Reason:
    if isinstance(value, list):
        count = len(value)
        en, fr = f"a list of {count} (say which item with [n])", f"une liste de {count} (dire quel élément avec [n])"
        return Reason(en, fr)
    return Reason("an object", "un objet") if isinstance(value, dict) else Reason(f"the value {value!r}", f"{value!r}")
