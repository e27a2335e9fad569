"""Values that differ between two runs by nature: ids that a server gave, instants, what was drawn at random.

A value of the first run is *paired* with the one that stands for it in the second: by the name under which both runs
saved it, or because both stand where only an id can. Paired values count as the same wherever they appear.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from harness.engine.events import StepFinished

_TOKEN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(?:Z|[+-]\d\d:\d\d)")
_UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}", re.IGNORECASE)
_LONG = 16
"""Letters alone are a name that somebody chose, unless there are this many: ``random.token`` has sixteen."""


class Frame:
    """What one run's strings are relative to: the candidate's addresses, and the instant of the test."""

    def __init__(self, addresses: Mapping[str, str], now: str) -> None:
        """``addresses``: name of an endpoint (empty: the base URL) to its URL, without a slash at the end."""
        known = ((url, f"«base:{name}»") for name, url in addresses.items() if url)
        self._addresses = sorted(known, key=lambda pair: len(pair[0]), reverse=True)
        self._now = _instant(now)

    def relative(self, text: str) -> str:
        """Return ``text`` with the addresses and every instant told from the test's own point of view."""
        for url, mark in self._addresses:
            text = text.replace(url, mark)
        return _INSTANT.sub(self._since, text) if "T" in text else text

    def _since(self, found: re.Match[str]) -> str:
        moment = _instant(found[0])
        if moment is None or self._now is None:
            return found[0]
        start = self._now if found[1] else self._now.replace(microsecond=0)
        return f"«{(moment - start).total_seconds():+g}s»"


def _instant(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Pairs:
    """Which value of the second run stands for which of the first."""

    def __init__(self) -> None:
        self._pairs: set[tuple[str, str]] = set()
        self._first: set[str] = set()
        self._second: set[str] = set()

    def learn(self, first: Any, second: Any) -> None:
        """Pair two values that are known to stand for one another: strings, or lists and objects of them."""
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            for name in first.keys() & second.keys():
                self.learn(first[name], second[name])
        elif isinstance(first, (list, tuple)) and isinstance(second, (list, tuple)):
            for one, other in zip(first, second, strict=False):
                self.learn(one, other)
        elif isinstance(first, str) and isinstance(second, str) and first != second:
            self._add(first, second)
            for one, other in _tokens(first, second):
                self._add(one, other)

    def same(self, first: str, second: str, *, given: bool = False) -> bool:
        """Tell whether two strings say the same.

        ``given``: they stand where a server's ids stand, or in what the harness itself sent; tokens that differ there
        are paired, when they could be ids. Elsewhere only UUIDs that were never seen before are.
        """
        if first == second or (first, second) in self._pairs:
            return True
        if _TOKEN.sub("", first) != _TOKEN.sub("", second):
            return False
        return all(self._same_token(one, other, given) for one, other in _tokens(first, second))

    def _same_token(self, first: str, second: str, given: bool) -> bool:
        if first == second or (first, second) in self._pairs:
            return True
        fresh = first not in self._first and second not in self._second
        both_uuids = bool(_UUID.fullmatch(first) and _UUID.fullmatch(second))
        if (given and _could_be_id(first) and _could_be_id(second)) or (fresh and both_uuids):
            self._add(first, second)
            return True
        return False

    def same_id(self, kind: str, first: str, second: str) -> bool:
        """Tell whether two resources of one type may be the same one: paired before, or both new."""
        if first == second:
            return True
        typed = (f"{kind}/{first}", f"{kind}/{second}")
        if typed in self._pairs:
            return True
        if (first, second) not in self._pairs and (typed[0] in self._first or typed[1] in self._second):
            return False
        self._add(*typed)
        self._add(first, second)
        return True

    def _add(self, first: str, second: str) -> None:
        self._pairs.add((first, second))
        self._first.add(first)
        self._second.add(second)


def _tokens(first: str, second: str) -> Iterator[tuple[str, str]]:
    yield from zip(_TOKEN.findall(first), _TOKEN.findall(second), strict=False)


def _could_be_id(token: str) -> bool:
    return any(character.isdigit() for character in token) or len(token) >= _LONG


def saved(steps: Iterable[StepFinished]) -> dict[str, Any]:
    """Return what the steps saved, by name."""
    return {name: value for step in steps for name, value in step.saved.items()}
