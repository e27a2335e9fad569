"""Every test set below a folder, with the requirements that they verify."""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from harness.errors import TestSetError
from harness.suite.loader import load_testset
from harness.suite.model import Location, TestSet
from harness.suite.problem import InvalidFile, Problem, nearest
from harness.suite.requirements import FOLDER, Requirements, load_requirements


@dataclass(frozen=True)
class Catalogue:
    """Test sets in the order of their paths."""

    test_sets: tuple[TestSet, ...]
    requirements: Requirements
    folder: Path = Path()
    """What the paths of the test sets are relative to."""

    @classmethod
    def load(cls, root: Path, fixtures: Path, requirements: Requirements | None = None) -> "Catalogue":
        """Load every ``*.yaml`` and ``*.yml`` below ``root``, or ``root`` itself when it is a file.

        ``requirements`` are by default those of ``root``/requirements; where there are none, what tests verify is not
        looked up. Raises InvalidFile with the problems of all files: faults in them, an id that two sets have, an
        unknown requirement; and TestSetError when there is nothing to load.
        """
        folder = root if root.is_dir() else root.parent
        if requirements is None:
            requirements = load_requirements(folder / FOLDER)
        loaded: list[TestSet] = []
        problems: list[Problem] = []
        paths = list(_files(root))
        if not paths:
            raise TestSetError(f"{root}:1:1: there is no test set here; name a .yaml file or a folder that holds some")
        for path in paths:
            try:
                loaded.append(load_testset(path, root=folder, fixtures=fixtures))
            except InvalidFile as invalid:
                problems += invalid.problems
        problems += _duplicates(loaded)
        if requirements.by_id:
            problems += [problem for found in loaded for test in found.tests for problem in requirements.unknown(test)]
        if problems:
            raise InvalidFile(problem.within(folder) for problem in problems)
        return cls(tuple(loaded), requirements, folder)

    @property
    def digest(self) -> str:
        """SHA-256 over the test sets, their fixtures and the requirements, hexadecimal."""
        digest = hashlib.sha256(f"{FOLDER}\0{self.requirements.digest}\n".encode())
        for found in self.test_sets:
            digest.update(f"{found.path}\0{found.digest}\n".encode())
            for path, of_fixture in sorted(found.fixture_digests.items()):
                digest.update(f"{path}\0{of_fixture}\n".encode())
        return digest.hexdigest()

    def select(self, names: Sequence[str] = ()) -> tuple[TestSet, ...]:
        """Return the sets that ``names`` name, in the catalogue's order: all, when there are no names.

        A name is the id of a set, the path of its file, or a folder, relative to the root. Raises TestSetError for a
        name that matches nothing.
        """
        chosen: set[str] = set()
        for name in names:
            matching = [found.id for found in self.test_sets if _names(name, found)]
            if not matching:
                known = [known for found in self.test_sets for known in (found.id, found.path)]
                raise TestSetError(f'no test set has the id or the path "{name}"{nearest(name, known)}')
            chosen.update(matching)
        return tuple(found for found in self.test_sets if not names or found.id in chosen)


def _names(name: str, test_set: TestSet) -> bool:
    path = name.rstrip("/")
    return name == test_set.id or path == test_set.path or test_set.path.startswith(f"{path}/") or path in (".", "")


def _files(root: Path) -> Iterator[Path]:
    if not root.is_dir():
        if root.is_file():
            yield root
        return
    for path in sorted(root.rglob("*.y*ml")):
        inside = path.relative_to(root).parts
        hidden = any(part.startswith((".", "_")) for part in inside)
        if path.is_file() and path.suffix in (".yaml", ".yml") and inside[0] != FOLDER and not hidden:
            yield path


def _duplicates(test_sets: Iterable[TestSet]) -> list[Problem]:
    first: dict[str, TestSet] = {}
    problems = []
    for found in test_sets:
        other = first.setdefault(found.id, found)
        if other is not found:
            message = f'the id "{found.id}" is that of {other.path} too; ids of sets are unique'
            problems.append(Problem("duplicate", Location(found.path, 1, 1), message))
    return problems
