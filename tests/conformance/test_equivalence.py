"""The restated profiles say what the official ones say: same verdict, same places, on instances broken in one place.

Every restated profile whose canonical URL an official package defines is judged by both. ``EQUIVALENCE=2000`` in the
environment makes that many instances a profile (some minutes); without it there are few, always the same.
"""

import os
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import NamedTuple

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings

from harness.data import folder
from harness.fhir.definitions import Definitions
from harness.fhir.packages import open_package
from harness.fhir.terminology import Terminology
from harness.validation.judge import Judge
from harness.validation.location import root
from harness.validation.outcome import Issue, Outcome
from harness.validation.scope import Scope, Session, Settings
from harness.validation.validator import Validator
from tests.conformance.breaking import Breaking, Json, Template, breakings, nodes, values_by_key

OFFICIAL = Path(__file__).resolve().parents[3] / "shared" / "packages"
# Added in this order: the last one wins, and the archive with dependencies holds earlier builds of the others.
ARCHIVES = (
    "ans.fhir.fr.pdsm-3.1.1-with-dependencies.tgz",
    "hl7.fhir.fr.core-2.2.0-ballot-2.tgz",
    "ans.fhir.fr.mesures-3.1.0.tgz",
    "ans.fhir.fr.mesmesures-0.1.0.tgz",
    "ans.fhir.fr.gap-3.0.0.tgz",
    "ans.fhir.fr.pdsm-3.1.1.tgz",
)
PACKS = ("hl7.fhir.fr.core", "ans.fhir.fr.mesures", "ans.fhir.fr.mesmesures", "ans.fhir.fr.gap", "ans.fhir.fr.pdsm",
         "ihe.iti.mhd", "ans.fhir.fr.annuaire")  # fmt: skip
EXAMPLES = int(os.environ.get("EQUIVALENCE", "6"))
SEEDS = 6
MISSING = [archive for archive in ARCHIVES if not (OFFICIAL / archive).is_file()]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"not at hand in {OFFICIAL}: {', '.join(MISSING)}")

Place = tuple[str, str]


class Pair(NamedTuple):
    """One profile: restated and official canonical, with their versions."""

    type: str
    restated: str
    official: str


class Difference(NamedTuple):
    """A difference that has its reason: globs of profile, place, rule and what was broken, and who alone reports it."""

    profile: str
    place: str
    rule: str
    only: str
    reason: str
    after: str = "*"


_LOST = "the published snapshot does not hold what its base, French core 2.1.0, demands of each identifier"
_PARENT = (
    "published on French core 2.0.1, whose meta.profile slice has no version; the restated parent is 2.2.0-ballot-2"
)

_COUNTRIES = "the official package names the code system of countries without its codes; here they are carried"
_FORMATS = "IHE's format codes come with the official archive of dependencies; no restated pack carries them"
_MAXIMUM = "the published snapshot binds the profile's list alone; the maximum of R4's own binding holds all the same"

DIFFERENCES = (
    Difference("*", "*Practitioner.communication[[]*", "binding-maximum", "restated", _MAXIMUM),
    Difference("*", "*Organization.identifier[[]*", "min-cardinality", "restated", _LOST),
    Difference("*", "*", "reference-target-profile", "restated", f"it refers to an organization: {_LOST}"),
    Difference("*", "*.meta", "slice-max", "*", _PARENT),
    Difference("*", "*.code", "code-unknown/urn:iso:std:iso:3166", "restated", _COUNTRIES),
    Difference("*", "*", "*/http://ihe.net/fhir/ihe.formatcode.fhir/CodeSystem/formatcode", "official", _FORMATS),
    Difference("*", "*", "reference-target-profile", "official", f"its target: {_FORMATS}", "*ihe.formatcode.fhir*"),
    # Entries are told apart by their profiles, so what keeps a resource from its profile keeps it from its slice.
    Difference("*", "Bundle*", "slice-*", "restated", f"it refers to an organization: {_LOST}", "remove *.contained.*"),
    Difference("*", "Bundle*", "slice-*", "official", f"an entry holds one: {_FORMATS}", "*ihe.formatcode.fhir*"),
    Difference("*", "Bundle*", "profile-none-matches", "restated", _COUNTRIES, "change to 'urn:iso:std:iso:3166'*"),
)


@dataclass
class Count:
    """What one profile came to."""

    instances: int = 0
    invalid: int = 0
    explained: Counter[str] = field(default_factory=Counter)


COUNTS: dict[str, Count] = {}


@cache
def official() -> Definitions:
    definitions = Definitions.embedded()
    for archive in ARCHIVES:
        definitions.add_package(OFFICIAL / archive)
    return definitions


@cache
def pairs() -> tuple[Pair, ...]:
    """Every restated profile with the official one of its version, else the official one at hand."""
    if MISSING:
        return ()
    published: dict[str, dict[str, str]] = {}
    for archive in ARCHIVES:
        for row in open_package(OFFICIAL / archive).rows:
            if row.resource_type == "StructureDefinition":
                published.setdefault(row.url, {})[row.version] = f"{row.url}|{row.version}"
    found = []
    for pack in PACKS:
        for row in open_package(folder("conformance") / pack, official=False).rows:
            if row.resource_type == "StructureDefinition" and row.url in published:
                versions = published[row.url]
                theirs = versions.get(row.version) or versions[max(versions)]
                found.append(Pair(row.type, f"{row.url}|{row.version}", theirs))
    return tuple(found)


@cache
def corpus() -> tuple[Json, ...]:
    """Good fixtures, and the examples that the packages carry."""
    resources = [orjson.loads(p.read_bytes()) for p in sorted(folder("fixtures").glob("*/*.json"))]
    for archive in sorted(OFFICIAL.glob("*.tgz")):
        resources += [resource for _, resource in open_package(archive).examples()]
    return tuple(resources)


class Side:
    """One of the two judges."""

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.validator = Validator(definitions)
        self.judge = Judge(definitions, Terminology(definitions))

    def outcome(self, pair_type: str, canonical: str, instance: Json) -> Outcome:
        """Judge a resource through the door; a data type, for which there is no door, by its schema."""
        if pair_type in self.judge.resource_types:
            return self.validator.validate(instance, profiles=[canonical])
        session = Session(self.judge, Settings())
        scope = Scope(session, instance, root(pair_type))
        schema = self.judge.schema(canonical)
        assert schema is not None, canonical
        schema.check(instance, root(pair_type), scope)
        return Outcome(tuple(session.issues))


@cache
def sides() -> tuple[Side, Side]:
    return Side(Definitions.embedded()), Side(official())


KEYS = {
    "Address": ("address",), "HumanName": ("name",), "ContactPoint": ("telecom",),
    "Identifier": ("identifier", "masterIdentifier"), "CodeableConcept": ("code", "category", "type"),
}  # fmt: skip


def candidates(pair: Pair) -> Iterator[Json]:
    """What in the corpus is of the profile's type."""
    url = pair.restated.partition("|")[0]
    for resource in corpus():
        for path, value in nodes(resource):
            if not isinstance(value, dict):
                continue
            if pair.type == "Extension":
                fits = value.get("url") == url
            elif pair.type in KEYS:
                fits = bool({p for p in path[-2:] if isinstance(p, str)} & set(KEYS[pair.type]))
            else:
                fits = value.get("resourceType") == pair.type
            if fits:
                yield value


def seeds(pair: Pair) -> list[Json]:
    """The instances with the fewest errors by the official profile, one made from the profile among them."""
    judge = sides()[1]
    known = {orjson.dumps(c, default=float): c for c in candidates(pair)}
    ranked = sorted(known.values(), key=lambda c: len(judge.outcome(pair.type, pair.official, c).errors))
    return [Template(official(), pair.official).make(), *ranked[:SEEDS]]


def places(outcome: Outcome) -> dict[Place, set[str]]:
    """Verdict by place: ("error" or "undecided", expression) -> rules."""
    found: dict[Place, set[str]] = {}
    for issue in outcome.issues:
        kind = "undecided" if issue.undecided else "error" if issue in outcome.errors else ""
        if kind:
            about = issue.constraint or _system(issue)
            rule = f"{issue.rule}/{about}" if about else issue.rule
            found.setdefault((kind, issue.expression), set()).add(rule)
    return found


def _system(issue: Issue) -> str | None:
    """The code system that a finding on a code or its display is about."""
    if issue.rule == "code-unknown":
        return issue.expected
    return (issue.detail or "").partition("#")[0] if issue.rule == "display-wrong" else None


def unexplained(pair: Pair, broken: Breaking, count: Count) -> list[str]:
    ours, theirs = (
        places(side.outcome(pair.type, canonical, broken.instance))
        for side, canonical in zip(sides(), (pair.restated, pair.official), strict=True)
    )
    count.instances += 1
    count.invalid += any(kind == "error" for kind, _ in theirs)
    told = []
    for place in ours.keys() ^ theirs.keys():
        if place[0] == "undecided":
            continue
        only, rules = ("restated", ours[place]) if place in ours else ("official", theirs[place])
        reason = _reason(pair.restated, place[1], rules, only, broken.what)
        if reason:
            count.explained[reason] += 1
        else:
            told.append(f"only {only}: {place[1]} {sorted(rules)} after: {broken.what}")
    return told


def _reason(canonical: str, place: str, rules: set[str], only: str, what: str) -> str | None:
    for known in DIFFERENCES:
        told = (canonical, place, only, what)
        globs = (known.profile, known.place, known.only, known.after)
        fits = all(fnmatchcase(text, glob) for text, glob in zip(told, globs, strict=True))
        if fits and all(fnmatchcase(rule, known.rule) for rule in rules):
            return known.reason
    return None


@pytest.mark.timeout(max(300, EXAMPLES))
@pytest.mark.parametrize("pair", pairs(), ids=lambda pair: pair.restated.rpartition("/")[2])
def test_same_verdict_and_same_places(pair: Pair) -> None:
    count = COUNTS.setdefault(pair.restated, Count())
    choices = list(Template(official(), pair.official).choices())
    problems: Counter[str] = Counter()

    @settings(
        max_examples=EXAMPLES,
        derandomize=EXAMPLES < 100,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(breakings(seeds(pair), values(), choices))
    def judged_by_both(broken: Breaking) -> None:
        problems.update(unexplained(pair, broken, count))

    judged_by_both()
    assert count.instances >= EXAMPLES
    assert problems == Counter()


@cache
def values() -> dict[str, list[Json]]:
    return values_by_key(corpus())


def test_every_profile_has_both_kinds_of_instances(capsys: pytest.CaptureFixture[str]) -> None:
    """In the long mode the figures are printed."""
    if EXAMPLES < 2000:
        pytest.skip("EQUIVALENCE=2000 gives enough instances to count")
    total = sum(count.instances for count in COUNTS.values())
    invalid = sum(count.invalid for count in COUNTS.values())
    reasons = sum((count.explained for count in COUNTS.values()), Counter[str]())
    with capsys.disabled():
        print(f"\n{len(COUNTS)} profiles, {total} instances, {invalid} of them not valid")
        for reason, number in reasons.most_common():
            print(f"{number:8d} {reason}")
    assert [name for name, count in COUNTS.items() if count.instances < 2000] == []
    assert [name for name, count in COUNTS.items() if not count.invalid] == []
