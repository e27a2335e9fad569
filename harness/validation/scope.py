"""What a walk carries: the session of one ``validate`` call and the scope of the resource it stands in."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.reason import Reason
from harness.validation.bundle_index import BundleIndex, base_of
from harness.validation.knowledge import Knowledge
from harness.validation.location import Location, render
from harness.validation.messages.render import RULES
from harness.validation.outcome import Issue

if TYPE_CHECKING:
    from harness.fhir.fhirpath import Environment

_SHOWN = 120


def shown(value: Any) -> str:
    """``value`` as an issue prints it: short, on one line."""
    if value is True or value is False:
        return "true" if value else "false"
    text = json.dumps(value, default=str, ensure_ascii=False) if isinstance(value, dict | list) else str(value)
    text = " ".join(text.split()) if len(text) > _SHOWN or "\n" in text else text
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…"


def _ids(value: Any) -> Iterator[str]:
    """Every id below ``value``."""
    if isinstance(value, Mapping):
        for key, child in value.items():
            if key == "id" and isinstance(child, str):
                yield child.removeprefix("#")
            else:
                yield from _ids(child)
    elif isinstance(value, list):
        for child in value:
            yield from _ids(child)


@dataclass(frozen=True, slots=True)
class Settings:
    """How strict to be where the specification leaves it open."""

    lang: str = "en"
    unknown_extensions: str = "error"
    unknown_codes: str = "information"
    must_support: bool = False


@dataclass(frozen=True, slots=True)
class Obligation:
    """What a trial leaves open: ``target``, seen from ``scope``, must conform to one of ``profiles``."""

    target: Any
    profiles: tuple[str, ...]
    where: Location
    scope: Scope


@dataclass(frozen=True, slots=True)
class Misread:
    """An element whose JSON is of a kind that it cannot have: ``key`` of ``parent``, by rights an ``array`` or not."""

    parent: Mapping[str, Any]
    key: str
    array: bool


class Session:
    """One validation: its issues, without repeats, and what was already judged in it."""

    __slots__ = (
        "_seen",
        "active",
        "depth",
        "issues",
        "judge",
        "misread",
        "obligations",
        "open_codes",
        "settings",
        "told_codes",
        "verdicts",
    )

    def __init__(self, judge: Knowledge, settings: Settings) -> None:
        self.judge = judge
        self.settings = settings
        self.issues: list[Issue] = []
        self._seen: set[tuple[Any, ...]] = set()
        self.active: set[tuple[int, str]] = set()
        self.verdicts: dict[tuple[int, str], bool | None] = {}
        self.depth = 0
        self.misread: list[Misread] = []
        self.obligations: list[Obligation] = []
        self.told_codes: set[str] = set()
        """Codes that a binding, a fixed value or a pattern has spoken of."""
        self.open_codes: list[tuple[Location, str, str, str]] = []
        """Codings that no code system here knows: place, system, code, why."""

    def add(self, issue: Issue) -> None:
        """Keep ``issue`` unless the same was said about the same element."""
        key = (issue.rule, issue.expression, issue.constraint, issue.found, issue.expected, issue.detail)
        if key not in self._seen:
            self._seen.add(key)
            self.issues.append(issue)


class Scope:
    """The resource that is being walked: %resource, %rootResource, and the Bundle it stands in."""

    __slots__ = (
        "_environments",
        "_own_bundle",
        "_targets",
        "bundle",
        "entry_base",
        "ids",
        "parent",
        "resource",
        "root",
        "session",
        "where",
    )

    def __init__(
        self,
        session: Session,
        resource: Mapping[str, Any],
        where: Location,
        parent: Scope | None = None,
        root: Mapping[str, Any] | None = None,
    ) -> None:
        self.session = session
        self.resource = resource
        self.where = where
        self.parent = parent
        self.root = resource if root is None else root
        self.bundle: BundleIndex | None = parent.bundle if parent else None
        self.entry_base: str | None = parent.entry_base if parent else None
        self.ids: dict[str, str] = {}
        self._own_bundle: BundleIndex | None = None
        self._targets: frozenset[str] | None = None
        self._environments: dict[str | None, Environment] = {}

    def muted(self) -> Scope:
        """A scope on the same resource whose issues go nowhere: to try whether something conforms."""
        return self._aside(self.resource, self.where, self.root, self.entry_base)

    def trial(self, value: Any, where: Location) -> Scope:
        """As :meth:`muted`, for ``value``: a part of this resource, or a resource that it refers to or holds."""
        if not isinstance(value, Mapping) or "resourceType" not in value or value is self.resource:
            return self.muted()
        if self.bundle is not None and id(value) in self.bundle.bases:
            return self._aside(value, where, value, self.bundle.bases[id(value)])
        contained = self.root.get("contained")
        inside = isinstance(contained, list) and any(value is part for part in contained)
        return self._aside(value, where, self.root if inside else value, self.entry_base)

    def _aside(self, resource: Mapping[str, Any], where: Location, root: Mapping[str, Any], base: str | None) -> Scope:
        session = Session(self.session.judge, self.session.settings)
        session.active = self.session.active
        session.verdicts = self.session.verdicts
        session.depth = self.session.depth + 1
        other = Scope(session, resource, where, self.parent, root)
        other.bundle = self.bundle
        other.entry_base = base
        return other

    def surroundings(self, focus_type: str | None) -> Environment:
        """What an expression about an element of type ``focus_type`` may know besides the element."""
        found = self._environments.get(focus_type)
        if found is None:
            found = self._environments[focus_type] = self.session.judge.environment(self, focus_type)
        return found

    def resolve(self, reference: Any) -> Mapping[str, Any] | None:
        """The resource that the text of a reference leads to, contained or in the Bundle; None where it is not here."""
        if type(reference) is not str:
            return None
        if reference.startswith("#"):
            return self.contained(reference[1:])
        return self.bundle.find(reference, self.entry_base)[0] if self.bundle is not None else None

    def entry(self, resource: Mapping[str, Any], entry: Mapping[str, Any], where: Location) -> Scope:
        """The scope of a resource that stands in an entry of this scope's resource, if that is a Bundle."""
        inner = Scope(self.session, resource, where, self)
        if self.resource.get("resourceType") == "Bundle":
            inner.bundle = self.own_bundle()
            inner.entry_base = base_of(entry, resource)
        return inner

    def own_bundle(self) -> BundleIndex:
        """The index of the Bundle that is the resource of this scope, made once."""
        if self._own_bundle is None:
            self._own_bundle = BundleIndex(self.resource)
        return self._own_bundle

    def contained(self, name: str) -> Mapping[str, Any] | None:
        """The contained resource with the id ``name``; for an empty one the container, seen from a contained one."""
        if not name:
            return None if self.resource is self.root else self.root
        contained = self.root.get("contained")
        for resource in contained if isinstance(contained, list) else ():
            if isinstance(resource, dict) and str(resource.get("id", "")).removeprefix("#") == name:
                return resource
        return None

    def has_target(self, name: str) -> bool:
        """Whether something in the resource, or in the one that contains it, has the id ``name``."""
        around = self
        while around.parent is not None and around.root is not around.resource:
            around = around.parent
        if around._targets is None:
            around._targets = frozenset(_ids(around.resource))
        return not name or name in around._targets

    def follow(self, reference: str, where: Location) -> Mapping[str, Any] | None:
        """As :meth:`resolve`, reporting a reference that should lead somewhere and does not."""
        if reference.startswith("#"):
            target = self.contained(reference[1:])
            if target is None:
                self.report("reference-contained", where, found=reference)
            return target
        if self.bundle is None:
            return None
        target, problem = self.bundle.find(reference, self.entry_base)
        if problem:
            self.report(problem, where, found=reference)
        return target

    def report(
        self,
        rule: str,
        where: Location,
        *,
        found: Any = None,
        expected: Any = None,
        profile: str | None = None,
        definition: str | None = None,
        constraint: str | None = None,
        detail: str | None = None,
        detail_fr: str | None = None,
        severity: str | None = None,
        code: str | None = None,
        undecided: bool = False,
    ) -> None:
        """Add one issue about the element at ``where``. ``detail`` may be a Reason, which brings its French along."""
        entry = RULES[rule]
        self.session.add(
            Issue(
                rule=rule,
                severity=severity or entry.severity,
                code=code or entry.code,
                expression=render(where),
                profile=profile,
                definition=definition,
                constraint=constraint,
                found=None if found is None else shown(found),
                expected=None if expected is None else shown(expected),
                undecided=undecided,
                detail=None if detail is None else str(detail),
                detail_fr=detail.fr if isinstance(detail, Reason) else detail_fr,
                lang=self.session.settings.lang,
            )
        )
