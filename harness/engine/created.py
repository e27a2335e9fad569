"""What a run made on the candidate, and how it is taken away again."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from harness.engine.checks.evidence import entries, resource_of
from harness.engine.exchange import Exchange, Headers, Request, Response
from harness.engine.saving import placed

_GONE = frozenset({200, 202, 204, 404, 410})
_CREATED = 201
_ROUNDS = 2
"""A second round takes away what others still pointed at in the first."""


class Created:
    """The resources that were made, as ``Type/id``, with the credentials that made them."""

    def __init__(self, base: str) -> None:
        self._base = base
        self._made: dict[str, Headers] = {}

    def note(self, request: Request, exchange: Exchange, credentials: Headers) -> None:
        """Look at an exchange: what did it create or delete?"""
        response = exchange.response
        if response is None:
            return
        if request.method == "DELETE" and response.status in _GONE:
            self._made.pop(request.url.partition("?")[0].removeprefix(self._base).strip("/"), None)
        for place in _made(request, response):
            self._made.setdefault(place, credentials)

    def deletions(self) -> Iterator[tuple[str, Request]]:
        """Yield what is still there and the request that deletes it, the last made first, at most two rounds.

        :meth:`note` the exchange of each before asking for the next.
        """
        for _ in range(_ROUNDS):
            for place in reversed(list(self._made)):
                headers = (("Accept", "application/fhir+json"), *self._made[place])
                yield place, Request("DELETE", f"{self._base}/{place}", headers)

    def forget(self) -> None:
        """Take it that nothing was made."""
        self._made.clear()

    @property
    def left(self) -> tuple[str, ...]:
        """What could not be deleted, in the order it was made."""
        return tuple(self._made)


def _made(request: Request, response: Response) -> Iterator[str]:
    if request.method in ("POST", "PUT", "PATCH") and response.status == _CREATED:
        place = placed(response.header("location") or "") or placed(response.header("content-location") or "")
        if place is None and request.method == "PUT":
            place = placed(request.url)
        place = place or _named(resource_of(response))
        if place:
            yield place
    elif request.method == "POST" and response.status == 200:
        for entry in entries(resource_of(response) or {}):
            answer = entry.get("response")
            if isinstance(answer, Mapping) and re.match("201", str(answer.get("status", ""))):
                place = placed(str(answer.get("location", ""))) or _named(entry.get("resource"))
                if place:
                    yield place


def _named(resource: Any) -> str | None:
    if not isinstance(resource, Mapping) or resource.get("resourceType") == "OperationOutcome":
        return None
    return placed(f"{resource.get('resourceType')}/{resource.get('id')}")
