"""A unit of work: one request, or one transaction, on one session of the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Protocol

from harness.sandbox.call import Call
from harness.sandbox.codec import Resource, emit
from harness.sandbox.policy import Policy
from harness.sandbox.problems import Problem, issue
from harness.sandbox.seams import Seams
from harness.sandbox.search.execute import matching
from harness.sandbox.search.index import Indexer
from harness.sandbox.search.query import QueryParser
from harness.sandbox.store import Entry, Record, Session, instant

Check = Callable[[Resource], list[dict[str, Any]]]

_META = ("versionId", "lastUpdated")


@dataclass(frozen=True, slots=True)
class Change:
    """A write under way: ``before`` is None for a new resource; ``after`` is as it will be stored."""

    type: str
    id: str
    method: str
    before: Resource | None
    after: Resource


class Rule(Protocol):
    """What a domain asks of writes, beyond FHIR's own rules. A refusal is a :class:`Problem`.

    What has to wait until all of a transaction is written goes to ``unit.deferred``.
    """

    def before(self, unit: Unit, change: Change) -> Change:
        """See ``change``, valid, before it is stored; return it, or what to store in its place."""
        ...

    def deleting(self, unit: Unit, latest: Record) -> None:
        """See ``latest`` before it is deleted."""
        ...


@dataclass(frozen=True, slots=True)
class Environment:
    """What a server is made of, the store left out. ``check`` validates: it returns issues or raises."""

    policy: Policy
    types: frozenset[str]
    rules: tuple[Rule, ...]
    seams: Seams
    check: Check
    indexer: Indexer
    queries: QueryParser

    def index(self, resource: Resource, base: str) -> Entry:
        """What is indexed of ``resource``."""
        entry = self.indexer.entry(resource, base)
        for change in self.seams.index:
            entry = change(resource, entry)
        return entry


@dataclass(slots=True)
class Unit:
    """What the operations share: the surroundings, the session, and what was written so far.

    ``issues`` collects warnings and information of the validation, for those who ask for an OperationOutcome;
    ``deferred`` is run at the end of the transaction.
    """

    env: Environment
    session: Session
    call: Call
    written: list[tuple[str, Resource]] = field(default_factory=list)
    issues: list[dict[str, Any]] = field(default_factory=list)
    deferred: list[Callable[[], None]] = field(default_factory=list)

    def existing(self, type_: str, id_: str) -> Record:
        """The current version. Raises :class:`Problem`: 404 if it never existed, 410 if it is deleted."""
        found = self.session.current(type_, id_)
        if found is None:
            raise Problem(404, "not-found", f"{type_}/{id_} is not known here.")
        if found.deleted:
            raise Problem(410, "deleted", f"{type_}/{id_} was deleted.", headers={"ETag": found.etag})
        return found

    def write(self, type_: str, id_: str, resource: Resource, method: str, latest: Record | None) -> Record:
        """Check ``resource`` and store it as the next version after ``latest``. Raises :class:`Problem` (4xx)."""
        self.issues += self.env.check(resource)
        return self.store(type_, id_, resource, method, latest)

    def store(self, type_: str, id_: str, resource: Resource, method: str, latest: Record | None) -> Record:
        """Store ``resource``, valid already, as the next version after ``latest``."""
        version = 1 if latest is None else latest.version + 1
        updated = self.session.now()
        before = None if latest is None or latest.deleted else latest.resource
        change = Change(type_, id_, method, before, stamp(resource, id_, version, updated))
        for rule in self.env.rules:
            change = rule.before(self, change)
        record = self.session.put(
            type_,
            id_,
            after=latest,
            updated=updated,
            method=method,
            content=emit(change.after).decode(),
            entry=self.env.index(change.after, self.call.base),
        )
        self.written.append((record.reference, change.after))
        return record

    def remove(self, latest: Record) -> Record:
        """Store the deletion of ``latest``. Raises :class:`Problem` (409) when others refer to it and policy minds."""
        if self.env.policy.references_on_delete:
            self._refuse_if_referenced(latest)
        for rule in self.env.rules:
            rule.deleting(self, latest)
        return self.session.put(
            latest.type,
            latest.id,
            after=latest,
            updated=self.session.now(),
            method="DELETE",
            content=None,
            entry=Entry(),
        )

    def _refuse_if_referenced(self, latest: Record) -> None:
        found = self.session.referrer(latest.type, latest.id)
        if found is not None:
            raise Problem(409, "conflict", f"{latest.reference} cannot be deleted: {found} refers to it.")

    def matching(self, type_: str, pairs: list[tuple[str, str]]) -> list[Record]:
        """At most two resources that a condition names. Raises :class:`Problem` (412) for one that says nothing.

        A condition must be understood as a whole: what cannot be searched by is refused (http.html#ccreate).
        """
        query = self.env.queries.parse(type_, pairs)
        if query.ignored:
            name, reason = query.ignored[0]
            raise Problem(400, "not-supported", f"The condition cannot be judged: {name}: {reason}.")
        if not query.criteria:
            raise Problem(412, "incomplete", "The condition has no search parameter; it would match everything.")
        several = self.env.policy.applies(f"several-matches-{self.call.method}")
        return matching(self.session, query, self.call.base, 2 if several else 1)

    def finish(self) -> None:
        """Do and check what has to wait until everything is written. Raises :class:`Problem` (409, 422)."""
        for step in self.deferred:
            step()
        if not self.env.policy.references_on_write:
            return
        missing = [
            issue("error", "not-found", f"{target} is referred to, but is not on this server.", path)
            for reference, resource in self.written
            for path, target in references(resource, resource["resourceType"])
            if not self._resolves(target)
        ]
        if missing:
            raise Problem(422, issues=missing)

    def _resolves(self, target: str) -> bool:
        text = target.removeprefix(self.call.base + "/")
        type_, _, rest = text.partition("/")
        if ":" in text or text.startswith("#") or type_ not in self.env.types:
            return True
        record = self.session.current(type_, rest.partition("/")[0])
        return record is not None and not record.deleted


def stamp(resource: Resource, id_: str, version: int, updated: int) -> Resource:
    """``resource`` with the server's id, version and time; those of the client are dropped (http.html#create)."""
    given = resource.get("meta")
    kept = {key: value for key, value in given.items() if key not in _META} if isinstance(given, dict) else {}
    head = {
        "resourceType": resource["resourceType"],
        "id": id_,
        "meta": {"versionId": str(version), "lastUpdated": instant(updated), **kept},
    }
    return {**head, **{key: value for key, value in resource.items() if key not in head}}


def references(value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Each literal reference in ``value``: its FHIRPath and its text."""
    if isinstance(value, dict):
        target = value.get("reference")
        if isinstance(target, str):
            yield f"{path}.reference", target
        for key, child in value.items():
            if key != "reference" or not isinstance(child, str):
                yield from references(child, f"{path}.{key}")
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from references(child, f"{path}[{index}]")
