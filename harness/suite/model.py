"""A test set in memory: what the loader makes of YAML, and all that the engine knows of it.

Every object is frozen; values that may hold ``${…}`` stay as they were written until a step runs.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

Text = Mapping[str, str]
"""A text for people, by language code: ``{"en": …, "fr": …}``."""

Level = Literal["SHALL", "SHOULD", "MAY"]
CandidateKind = Literal["server", "client"]
Side = Literal["request", "answer"]
Actor = Literal["server", "client", "both"]


class Interaction(StrEnum):
    """The FHIR interactions that a step can name (R4, http.html), and ``request`` for any HTTP."""

    CAPABILITIES = "capabilities"
    READ = "read"
    VREAD = "vread"
    CREATE = "create"
    UPDATE = "update"
    PATCH = "patch"
    DELETE = "delete"
    SEARCH = "search"
    HISTORY = "history"
    TRANSACTION = "transaction"
    BATCH = "batch"
    OPERATION = "operation"
    REQUEST = "request"
    TLS = "tls"
    AWAIT = "await"


@dataclass(frozen=True, slots=True)
class Location:
    """Where something stands in a YAML file. Lines and columns count from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Expectation:
    """One key of ``expect``: what a check will judge."""

    kind: str
    """The key: ``status``, ``headers``, ``conforms``, …"""
    value: Any
    level: Level
    location: Location
    of: Side = "answer"
    """What it judges: of a step that awaits a request, also this."""


@dataclass(frozen=True, slots=True)
class Until:
    """Repeat a step until its expectations hold: at most ``attempts`` times, ``interval`` seconds apart."""

    attempts: int
    interval: float


@dataclass(frozen=True, slots=True)
class Step:
    """One FHIR interaction with its expectations."""

    interaction: Interaction
    target: Any
    """What the interaction's key holds: ``"Patient/${id}"``, ``"${fixtures.weight}"``, a mapping for ``request``."""
    location: Location
    set: Mapping[str, Any] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    params: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str | None] = field(default_factory=dict)
    if_match: str | None = None
    if_none_match: str | None = None
    if_none_exist: str | None = None
    format: Literal["json", "xml"] = "json"
    identity: str | None = None
    """The key ``as``: an identity of the candidate file, or ``none`` for no credentials."""
    pages: int = 1
    """How many pages of a searchset to follow; ``pages: all`` is 50."""
    expect: tuple[Expectation, ...] = ()
    save: Mapping[str, str] = field(default_factory=dict)
    until: Until | None = None


@dataclass(frozen=True, slots=True)
class Mutants:
    """Derived bad resources: one a constraint of ``profile``, each sent with ``send`` and judged by ``expect``."""

    of: str
    profile: str
    send: Interaction
    expect: tuple[Expectation, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class Test:
    """A named list of steps that verifies requirements."""

    __test__ = False

    id: str
    title: Text
    location: Location
    verifies: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    needs: tuple[str, ...] = ()
    """What the CapabilityStatement must declare, else the test is skipped: ``Observation.create``, ``Slot?start``, …"""
    control: str | None = None
    """The id of the test that must have passed before this negative one counts."""
    depends: tuple[str, ...] = ()
    serial: bool = False
    each: tuple[Mapping[str, Any], ...] = ()
    tags: tuple[str, ...] = ()
    level: Level = "SHALL"
    mutants: Mutants | None = None


@dataclass(frozen=True, slots=True)
class TestSet:
    """One YAML file: a named, versioned list of tests on one topic."""

    __test__ = False

    id: str
    version: str
    title: Text
    candidate: CandidateKind
    tests: tuple[Test, ...]
    path: str
    """Relative to the catalogue's root, with ``/``."""
    digest: str
    """SHA-256 of the file's bytes, hexadecimal."""
    endpoint: str | None = None
    """The candidate's address that the set is about, by its name in the candidate file; None for its base URL."""
    packages: tuple[str, ...] = ()
    fixtures: Mapping[str, Any] = field(default_factory=dict)
    """Name to resource, as read from the fixture file."""
    fixture_digests: Mapping[str, str] = field(default_factory=dict)
    """Path under ``fixtures/`` to SHA-256 of the file's bytes."""
    variables: Mapping[str, Any] = field(default_factory=dict)
    setup: tuple[Step, ...] = ()
    tags: tuple[str, ...] = ()
    declared: Mapping[str, Location] = field(default_factory=dict)
    """Where fixtures and variables are declared: ``fixtures.weight``, ``variables.patient``."""


@dataclass(frozen=True, slots=True)
class Requirement:
    """One rule of a specification, in our words."""

    id: str
    actor: Actor
    level: Level
    topic: str
    source: str
    statement: str
    how_to_check: str = ""
    negative: str = ""
    """The defect that a test must detect."""
    basis: str = ""
    ambiguity: tuple[str, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """Something that the specifications leave open, or say in two ways, and what we do about it."""

    id: str
    where: str
    issue: str
    handling: str
