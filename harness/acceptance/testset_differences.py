"""Where two test sets of one id differ: by digest, and by test. What only people read does not count."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from decimal import Decimal
from enum import Enum
from typing import Any, Literal

from harness.engine.codec import dumps
from harness.suite.expressions import references
from harness.suite.model import Test, TestSet

Change = Literal["changed", "added", "removed"]
_FOR_PEOPLE = frozenset({"location", "title", "tags", "verifies"})


@dataclass(frozen=True)
class TestSetDifference:
    """How the local test set differs from the submitted one."""

    __test__ = False

    id: str
    submitted: str
    """SHA-256 of the submitted file, hexadecimal."""
    submitted_version: str
    local: str
    """SHA-256 of the local file; empty when there is no such set here."""
    local_version: str
    tests: Mapping[str, Change]
    """Id of each test that differs, seen from the submitted set: ``added`` is only here."""

    def as_json(self) -> dict[str, Any]:
        """Return the difference for machines."""
        return {
            "testSet": self.id,
            "submitted": {"sha256": self.submitted, "version": self.submitted_version},
            "local": {"sha256": self.local, "version": self.local_version} if self.local else None,
            "tests": dict(self.tests),
        }


def test_digests(test_set: TestSet) -> dict[str, str]:
    """Return test id to SHA-256 over all that decides what the test does and demands.

    That is the test itself, the set's packages, variables and set-up, and the fixtures that these name.
    """
    shared = _plain([test_set.packages, test_set.variables, test_set.setup])
    return {test.id: _digest(test_set, test, shared) for test in test_set.tests}


test_digests.__test__ = False  # type: ignore[attr-defined]  # pytest collects names that begin with test


def difference(submitted: TestSet, local: TestSet | None) -> TestSetDifference | None:
    """Return how ``local`` differs from ``submitted``, or None when file and fixtures are the same, byte for byte."""
    if local is None:
        gone: dict[str, Change] = {test.id: "removed" for test in submitted.tests}
        return TestSetDifference(submitted.id, submitted.digest, submitted.version, "", "", gone)
    if (submitted.digest, submitted.fixture_digests) == (local.digest, local.fixture_digests):
        return None
    theirs, ours = test_digests(submitted), test_digests(local)
    tests: dict[str, Change] = {
        name: "changed" if name in ours else "removed" for name in theirs if ours.get(name) != theirs[name]
    }
    tests |= {name: "added" for name in ours if name not in theirs}
    return TestSetDifference(submitted.id, submitted.digest, submitted.version, local.digest, local.version, tests)


def differences(submitted: Iterable[TestSet], local: Iterable[TestSet]) -> tuple[TestSetDifference, ...]:
    """Return the difference of each submitted set to the local one of its id; none for those that are the same."""
    ours = {test_set.id: test_set for test_set in local}
    found = (difference(test_set, ours.get(test_set.id)) for test_set in submitted)
    return tuple(one for one in found if one is not None)


def _digest(test_set: TestSet, test: Test, shared: Any) -> str:
    content = [_plain(test), shared]
    named = {str(ref.path[1]) for ref in references(content) if ref.root == "fixtures" and len(ref.path) > 1}
    fixtures = {name: _plain(test_set.fixtures[name]) for name in sorted(named) if name in test_set.fixtures}
    return hashlib.sha256(dumps([*content, fixtures], sort=True)).hexdigest()


def _plain(value: Any) -> Any:
    """Return a part of a test set as JSON, without what only people read."""
    if is_dataclass(value) and not isinstance(value, type):
        members = ((member.name, getattr(value, member.name)) for member in fields(value))
        return {name: _plain(member) for name, member in members if name not in _FOR_PEOPLE}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Mapping):
        return {str(name): _plain(member) for name, member in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(member) for member in value]
    return str(value) if isinstance(value, Decimal) else value
