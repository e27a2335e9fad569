"""The difference between the exchanges of one test in two runs that tells most, but for what differs by nature."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from harness.acceptance.naming import Frame, Pairs
from harness.engine.checks.same_as import same_value
from harness.engine.events import StepFinished
from harness.engine.exchange import Exchange, Headers, Request, Response, header
from harness.engine.text import excerpt, inert, shown
from harness.report.comparison import ABSENT, Difference

SENT_HEADERS = ("Accept", "Content-Type", "If-Match", "If-None-Match", "If-None-Exist", "If-Modified-Since", "Prefer")
ANSWERED_HEADERS = ("Content-Type", "Location", "Content-Location", "ETag", "Allow", "Link", "WWW-Authenticate")
"""Those that FHIR's REST gives a meaning (R4, http.html); Date, Server and the like differ by nature."""
_OWN_INSTANTS = frozenset({("meta", "lastUpdated"), ("response", "lastModified")})
_OWN_MEMBERS = frozenset({("Bundle", "timestamp"), ("CapabilityStatement", "date")})
"""Instants that the server took, by the two last names of the path, or by resource type and member."""
_OWN_XML = re.compile(r'<(?:lastUpdated|lastModified|timestamp) value="[^"]*"/>')
"""The same in XML."""
_XML_DATE = re.compile(r'<date value="[^"]*"/>')
_PROLOGUE = 200
"""Characters in which the root element of an XML document is looked for."""
_LONGEST = 100_000
"""Characters of a string that are looked through for the difference."""
_MOST = 500
"""Differences of a test that are looked at."""
_NAMES = frozenset({"id", "reference", "fullUrl", "versionId", "etag", "location", "header ETag", "header Location"})
"""Where a server's own names stand."""
_DRAWN = re.compile(r"(?=[A-Za-z-]*[0-9])(?=[0-9-]*[A-Za-z])[A-Za-z0-9-]{12,}|[A-Za-z]{16,}")
_BEFORE = 20
"""Characters that are shown before a difference."""
_GIVEN = frozenset({("meta", "versionId"), ("response", "etag"), ("response", "location"), ("link", "url")})
"""Where only the server decides, by the two last names of the path."""

Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Versus:
    """How the strings of two runs are held against one another."""

    first: Frame
    second: Frame
    pairs: Pairs
    same_test: bool
    """Whether both runs ran the same test: what we sent can then only differ by nature."""

    def same(self, first: str, second: str, *, given: bool = False) -> bool:
        """Tell whether two strings say the same, as :meth:`Pairs.same`."""
        if first == second:
            return True
        return self.pairs.same(self.first.relative(first), self.second.relative(second), given=given)


def telling_difference(
    first: Sequence[StepFinished], second: Sequence[StepFinished], versus: Versus
) -> Difference | None:
    """Return the difference between the steps of a test (clean-up left out) that tells most, None when there is none.

    That is the first one in a step whose findings are not the same in both runs, statuses before all else; what a
    server or the harness drew is told only where nothing else differs.
    """
    ones, others = ([step for step in steps if step.phase == "test"] for steps in (first, second))
    told = _told(ones) ^ _told(others)
    troubled = {index for index, _, _ in told}

    def weight(found: Difference) -> tuple[bool, bool, bool]:
        return _is_drawn(found), found.step not in troubled, found.where != "status"

    return min(islice(_differences(ones, others, versus), _MOST), key=weight, default=None)


def _told(steps: Sequence[StepFinished]) -> set[tuple[int, str, str]]:
    """Step, code and place of each finding."""
    return {(step.index, one.code, one.expression) for step in steps for check in step.checks for one in check.findings}


def _is_drawn(found: Difference) -> bool:
    """Tell whether both are names that a machine gave: an id, a version, or a text that differs in random words."""
    last = found.where.rpartition(".")[2].partition("[")[0]
    if last in _NAMES or found.where in _NAMES:
        return True
    return _DRAWN.sub("", found.first) == _DRAWN.sub("", found.second)


def _differences(ones: Sequence[StepFinished], others: Sequence[StepFinished], versus: Versus) -> Iterator[Difference]:
    for one, other in zip(ones, others, strict=False):
        versus.pairs.learn(dict(one.saved), dict(other.saved))
        for index, (left, right) in enumerate(zip(one.exchanges, other.exchanges, strict=False)):
            for where, sent, a, b in _exchange(left, right, versus):
                yield Difference(one.index, index, where, sent, a, b)
        counts = len(one.exchanges), len(other.exchanges)
        if counts[0] != counts[1]:
            yield Difference(one.index, min(counts), "number of exchanges", False, *map(str, counts))
    if len(ones) != len(others):
        yield Difference(min(len(ones), len(others)), 0, "number of steps", False, str(len(ones)), str(len(others)))


Found = Iterator[tuple[str, bool, str, str]]
"""Where, whether in what was sent, and both values."""


def _exchange(first: Exchange, second: Exchange, versus: Versus) -> Found:
    try:
        yield from _request(first.request, second.request, versus)
        if first.response is None or second.response is None:
            one, other = (e.error or f"HTTP {e.response.status if e.response else '?'}" for e in (first, second))
            if not (first.response is None and second.response is None and first.error_code == second.error_code):
                yield "status", False, inert(one), inert(other)
            return
        yield from _response(first.response, second.response, versus)
    except RecursionError:
        yield "body", False, "nested too deeply to compare", "nested too deeply to compare"


def _request(first: Request, second: Request, versus: Versus) -> Found:
    if first.method != second.method:
        yield "method", True, first.method, second.method
    if not versus.same(first.url, second.url, given=versus.same_test):
        yield "URL", True, *_around(first.url, second.url)
    yield from _headers(SENT_HEADERS, first.headers, second.headers, versus, sent=True)
    if first.body != second.body:
        parsed = [Response(200, request.headers, request.body).resource for request in (first, second)]
        yield from _bodies(first.body, second.body, parsed, versus, sent=True)


def _response(first: Response, second: Response, versus: Versus) -> Found:
    if first.status != second.status:
        one, other = (f"{answer.status} {excerpt(answer.body)}" for answer in (first, second))
        yield "status", False, one, other
    yield from _headers(ANSWERED_HEADERS, first.headers, second.headers, versus, sent=False)
    if first.body != second.body:
        yield from _bodies(first.body, second.body, [first.resource, second.resource], versus, sent=False)


def _headers(names: Sequence[str], first: Headers, second: Headers, versus: Versus, *, sent: bool) -> Found:
    for name in names:
        one, other = header(first, name), header(second, name)
        if one == other:
            continue
        if one is None or other is None or not versus.same(one, other, given=versus.same_test or not sent):
            yield f"header {name}", sent, inert(one or ABSENT), inert(other or ABSENT)


def _bodies(first: bytes, second: bytes, parsed: Sequence[Any], versus: Versus, *, sent: bool) -> Found:
    one, other = parsed
    if one is None or other is None:
        a, b = (_text(body) for body in (first, second))
        if not versus.same(a, b, given=sent and versus.same_test):
            yield "body", sent, *_around(a, b)
        return
    walk = _Walk(versus, given=sent and versus.same_test)
    for path, a, b in walk.values(one, other, ()):
        yield f"body {_written(path)}", sent, a, b


def _text(body: bytes) -> str:
    """Return a body that is not JSON as text, without the instants that a server writes into XML of its own accord."""
    text = _OWN_XML.sub("", body.decode("utf-8", "surrogateescape"))
    return _XML_DATE.sub("", text, count=1) if "<CapabilityStatement" in text[:_PROLOGUE] else text


def _around(first: str, second: str) -> tuple[str, str]:
    """Return both texts from shortly before the place where they differ."""
    differs = (index for index, (a, b) in enumerate(zip(first, second, strict=False)) if a != b)
    common = next(differs, min(len(first), len(second)))
    start = common - _BEFORE if common > 2 * _BEFORE else 0
    one, other = (("…" if start else "") + text[start:] for text in (first, second))
    return inert(one), inert(other)


class _Walk:
    """Two JSON values side by side, in the order of the first."""

    def __init__(self, versus: Versus, *, given: bool) -> None:
        self._versus = versus
        self._given = given

    def values(self, first: Any, second: Any, path: Path, kind: str = "") -> Iterator[tuple[Path, str, str]]:
        """Yield path and both values of each difference; ``kind`` is the type of the resource around."""
        if isinstance(first, Mapping) and isinstance(second, Mapping):
            yield from self._objects(first, second, path)
        elif isinstance(first, list) and isinstance(second, list):
            for index, (one, other) in enumerate(zip(first, second, strict=False)):
                yield from self.values(one, other, (*path, index))
            if len(first) != len(second):
                shorter = min(len(first), len(second))
                ends = [shown(side[shorter]) if len(side) > shorter else ABSENT for side in (first, second)]
                yield (*path, shorter), ends[0], ends[1]
        elif isinstance(first, str) and isinstance(second, str):
            if not self._same_text(first, second, path, kind):
                yield path, *_around(shown(first, _LONGEST), shown(second, _LONGEST))
        elif type(first) is not type(second) or not same_value(first, second):
            yield path, shown(first), shown(second)

    def _objects(
        self, first: Mapping[str, Any], second: Mapping[str, Any], path: Path
    ) -> Iterator[tuple[Path, str, str]]:
        kind = first.get("resourceType")
        kind = kind if isinstance(kind, str) and kind == second.get("resourceType") else ""
        for name, member in first.items():
            if name in second:
                yield from self.values(member, second[name], (*path, name), kind)
            else:
                yield (*path, name), shown(member), ABSENT
        for name, member in second.items():
            if name not in first:
                yield (*path, name), ABSENT, shown(member)

    def _same_text(self, first: str, second: str, path: Path, kind: str) -> bool:
        names = tuple(str(part) for part in path if isinstance(part, str))[-2:]
        if names in _OWN_INSTANTS or (kind, *names[-1:]) in _OWN_MEMBERS:
            return True
        if kind and names[-1:] == ("id",):
            return self._versus.pairs.same_id(kind, first, second)
        given = self._given or names in _GIVEN or names[-1:] == ("fullUrl",)
        return self._versus.same(first, second, given=given)


def _written(path: Path) -> str:
    return "$" + "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in path)
