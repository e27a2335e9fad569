"""The requirement catalogue, and which test verifies what."""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from harness.data import folder
from harness.suite.model import Ambiguity, Location, Requirement, Test, TestSet
from harness.suite.problem import InvalidFile, Problem, nearest
from harness.suite.schema import check
from harness.suite.source import Document, read_bytes, read_yaml

FOLDER = "requirements"
"""Where the catalogue lies, below the test sets."""


@dataclass(frozen=True)
class Requirements:
    """Every requirement and ambiguity by id, and the reasons why some requirements have no test."""

    by_id: Mapping[str, Requirement] = field(default_factory=dict)
    ambiguities: Mapping[str, Ambiguity] = field(default_factory=dict)
    untested: Mapping[str, str] = field(default_factory=dict)
    locations: Mapping[str, Location] = field(default_factory=dict)
    """Where each requirement stands, and, under ``untested.<id>``, each reason."""
    digest: str = hashlib.sha256().hexdigest()
    """SHA-256 over names and bytes of the files, hexadecimal."""

    def unknown(self, test: Test) -> list[Problem]:
        """Return a problem for each id in ``verifies`` that is no requirement."""
        return [
            Problem(
                "requirement",
                test.location,
                f'the test "{test.id}" verifies {name}, which is no requirement{nearest(name, self.by_id)}',
            )
            for name in test.verifies
            if name not in self.by_id
        ]


def load_requirements(folder: Path) -> Requirements:
    """Load every ``*.yaml`` of ``folder``. Raises InvalidFile with the problems of all files, or TestSetError."""
    documents: list[Document] = []
    problems: list[Problem] = []
    digest = hashlib.sha256()
    for path in sorted(folder.glob("*.yaml")):
        file = f"{folder.name}/{path.name}"
        try:
            data = read_bytes(path, file)
            digest.update(f"{file}\0{hashlib.sha256(data).hexdigest()}\n".encode())
            document = read_yaml(data, file)
        except InvalidFile as invalid:
            problems += invalid.problems
            continue
        problems += [fault.problem for fault in check(document, "requirements.schema.json")]
        documents.append(document)
    if problems:
        raise InvalidFile(problem.within(folder.parent) for problem in problems)
    return _collect(documents, digest.hexdigest(), folder.parent)


def requirements_for(testsets: Path) -> Requirements:
    """Load the requirements that lie below the folder ``testsets``, else those that came with the harness."""
    own = testsets / FOLDER
    return load_requirements(own if own.is_dir() else folder("testsets") / FOLDER)


def _collect(documents: list[Document], digest: str, root: Path) -> Requirements:
    problems: list[Problem] = []
    requirements: dict[str, Requirement] = {}
    ambiguities: dict[str, Ambiguity] = {}
    locations: dict[str, Location] = {}
    for key, content, location in _entries(documents):
        if content["id"] in locations:
            message = f'the id "{content["id"]}" stands already at {locations[content["id"]]}'
            problems.append(Problem("duplicate", location, message))
        locations[content["id"]] = location
        if key == "ambiguities":
            ambiguities[content["id"]] = Ambiguity(**content)
        else:
            requirements[content["id"]] = Requirement(**{**content, "ambiguity": tuple(content.get("ambiguity", ()))})
    for requirement in requirements.values():
        for name in requirement.ambiguity:
            if name not in ambiguities:
                message = f'there is no ambiguity "{name}"{nearest(name, ambiguities)}'
                problems.append(Problem("ambiguity", locations[requirement.id], message))
    untested: dict[str, str] = {}
    for document in documents:
        for name, reason in document.value.get("untested", {}).items():
            location = document.at(("untested", name), key=True)
            if name not in requirements:
                message = f'there is no requirement "{name}"{nearest(name, requirements)}'
                problems.append(Problem("requirement", location, message))
            untested[name] = reason
            locations[f"untested.{name}"] = location
    if problems:
        raise InvalidFile(problem.within(root) for problem in problems)
    return Requirements(requirements, ambiguities, untested, locations, digest)


def _entries(documents: list[Document]) -> Iterator[tuple[str, dict[str, Any], Location]]:
    for document in documents:
        for key in ("requirements", "ambiguities"):
            for index, content in enumerate(document.value.get(key, ())):
                yield key, content, document.at((key, index))


@dataclass(frozen=True)
class Coverage:
    """Requirements joined to the tests that verify them."""

    requirements: Requirements
    tests: Mapping[str, tuple[tuple[str, str], ...]]
    """Requirement id to the tests that verify it, each (test set, test); an empty tuple for those without."""

    @property
    def missing(self) -> list[Requirement]:
        """Those with neither a test nor a reason."""
        untested = self.requirements.untested
        return [rule for name, rule in self.requirements.by_id.items() if not self.tests[name] and name not in untested]

    @property
    def stale(self) -> list[str]:
        """Ids of those with a reason for having no test, and a test."""
        return [name for name in self.requirements.untested if self.tests[name]]

    def topics(self) -> dict[str, tuple[int, int, int]]:
        """Topic to the numbers of its requirements with a test, with a reason only, and with neither."""
        counts: dict[str, list[int]] = {}
        for name, rule in self.requirements.by_id.items():
            column = 0 if self.tests[name] else 1 if name in self.requirements.untested else 2
            counts.setdefault(rule.topic, [0, 0, 0])[column] += 1
        return {topic: (tested, reasoned, bare) for topic, (tested, reasoned, bare) in sorted(counts.items())}


def coverage(test_sets: Iterable[TestSet], requirements: Requirements) -> Coverage:
    """Join ``test_sets`` to ``requirements`` by ``verifies``."""
    tests: dict[str, list[tuple[str, str]]] = {name: [] for name in requirements.by_id}
    for test_set in test_sets:
        for test in test_set.tests:
            for name in test.verifies:
                if name in tests:
                    tests[name].append((test_set.id, test.id))
    return Coverage(requirements, {name: tuple(verifying) for name, verifying in tests.items()})
