"""The places where a seeded defect takes hold of an otherwise right server. The healthy server has them empty."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from harness.sandbox.call import Answer, Call
from harness.sandbox.routes import Route
from harness.sandbox.search.execute import Page
from harness.sandbox.search.query import Query
from harness.sandbox.store import Entry

Request = Callable[[Call], Call]
Search = Callable[[Query], Query]
Found = Callable[[Query, Page], Page]
Searchset = Callable[[Call, dict[str, Any]], dict[str, Any]]
Index = Callable[[dict[str, Any], Entry], Entry]
Finish = Callable[[Call, Route, Answer], Answer]
Overlook = Callable[[list[dict[str, Any]]], list[dict[str, Any]]]


@dataclass(frozen=True, slots=True)
class Seams:
    """Functions, applied in order.

    - ``request``: the request as it came, before anything looked at it;
    - ``index``: what will be indexed of a resource;
    - ``search``: a query as it was understood; ``found``: the page that it gave; ``searchset``: its Bundle;
    - ``answer``: the answer, before it is written;
    - ``overlooked``: the issues for which a write is refused; what is left of them still refuses it.

    What a defect changes in the resources that are stored is a rule (see :class:`~harness.sandbox.unit.Rule`).
    """

    request: tuple[Request, ...] = ()
    index: tuple[Index, ...] = ()
    search: tuple[Search, ...] = ()
    found: tuple[Found, ...] = ()
    searchset: tuple[Searchset, ...] = ()
    answer: tuple[Finish, ...] = ()
    overlooked: tuple[Overlook, ...] = ()
