"""YAML to :class:`TestSet`: strict, and with every fault of a file in one error."""

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness.errors import TestSetError
from harness.suite.model import CandidateKind, Location, Test, TestSet
from harness.suite.names import Names
from harness.suite.problem import InvalidFile, Problem, nearest
from harness.suite.schema import check
from harness.suite.source import Document, read_bytes, read_json, read_yaml
from harness.suite.steps import StepReader, reading


def load_testset(path: Path, *, root: Path, fixtures: Path) -> TestSet:
    """Load the test set ``path``, which lies under ``root``; its fixtures lie under ``fixtures``.

    Raises InvalidFile with all ``problems`` found in it: each names file, line and column, relative to ``root``.
    """
    file = _relative(path, root)
    data = read_bytes(path, file)
    document = read_yaml(data, file)
    return _SetReader(document, fixtures).read(hashlib.sha256(data).hexdigest())


def _relative(path: Path, root: Path) -> str:
    try:
        return path.resolve().relative_to(root.resolve()).as_posix()
    except ValueError:
        return path.as_posix()


def read_fixture(path: str, fixtures: Path) -> tuple[Any, str]:
    """Read ``path`` under the folder ``fixtures``: the resource, decimals as Decimal, and the file's SHA-256.

    Raises TestSetError when the path leaves the folder, by dots or by a link; InvalidFile, which is one and names the
    file by its absolute path, when it is not one resource.
    """
    folder = fixtures.resolve()
    try:
        target = (folder / path).resolve()
        inside = target.is_relative_to(folder)
    except (OSError, ValueError, RuntimeError):  # a NUL, a name that is too long, links in a circle
        inside = False
    if not inside:
        raise TestSetError(f'the fixture "{path}" lies outside of the folder of fixtures')
    if not target.is_file():
        names = [file.relative_to(folder).as_posix() for file in folder.rglob(f"*{target.suffix}")]
        raise TestSetError(f'there is no fixture "{path}" in {folder}{nearest(path, names)}')
    shown = target.as_posix()
    data = read_bytes(target, shown)
    value = read_json(data, shown) if target.suffix == ".json" else read_yaml(data, shown).value
    if not isinstance(value, dict):
        place = Location(shown, 1, 1)
        raise InvalidFile([Problem("fixture", place, "a fixture is one resource, an object with a resourceType")])
    return value, hashlib.sha256(data).hexdigest()


_UNREAD = "${unread}"
"""Stands for a fixture that could not be read, so that what uses it is not reported as well."""


class _SetReader:
    """Reads one document. Parts that break the schema are reported; the sound ones are looked at more closely."""

    def __init__(self, document: Document, fixtures: Path) -> None:
        faults = check(document)
        self._document = document
        self._folder = fixtures
        self._broken = [fault.path for fault in faults]
        self._problems = [fault.problem for fault in faults]
        self._content: Mapping[str, Any] = document.value if isinstance(document.value, dict) else {}

    def read(self, digest: str) -> TestSet:
        """Return the test set. Raises InvalidFile."""
        fixtures, digests = self._fixtures()
        unread = dict.fromkeys(self._section("fixtures", dict), _UNREAD)
        names = self._variables(Names({**unread, **fixtures}))
        setup, names = StepReader(self._document, self._problems, self._sound).steps(("setup",), names, "SHALL")
        tests = self._tests(names)
        if self._problems:
            raise InvalidFile(self._problems)
        content = self._content
        candidate: CandidateKind = content["candidate"]
        return TestSet(
            id=content["testset"],
            version=content["version"],
            title=content["title"],
            candidate=candidate,
            tests=tests,
            path=self._document.file,
            digest=digest,
            endpoint=content.get("endpoint"),
            packages=tuple(content.get("packages", ())),
            fixtures=fixtures,
            fixture_digests=digests,
            variables=content.get("variables", {}),
            setup=setup,
            tags=tuple(content.get("tags", ())),
            declared={
                f"{section}.{name}": self._document.at((section, name), key=True)
                for section in ("fixtures", "variables")
                for name in content.get(section, ())
            },
        )

    def _sound(self, path: tuple[str | int, ...]) -> bool:
        """Tell whether nothing at or below ``path`` breaks the schema, nor anything that holds it directly."""
        return not any(broken[: len(path)] == path for broken in self._broken)

    def _section(self, name: str, kind: type) -> Any:
        value = self._content.get(name)
        return value if isinstance(value, kind) else kind()

    def _fault(self, code: str, path: tuple[str | int, ...], message: str, *, key: bool = False) -> None:
        self._problems.append(Problem(code, self._document.at(path, key=key), message))

    def _fixtures(self) -> tuple[dict[str, Any], dict[str, str]]:
        resources: dict[str, Any] = {}
        digests: dict[str, str] = {}
        for name, path in self._section("fixtures", dict).items():
            if not self._sound(("fixtures", name)):
                continue
            try:
                resources[name], digests[path] = read_fixture(path, self._folder)
            except InvalidFile as problem:
                self._problems += problem.problems
            except TestSetError as problem:
                self._fault("fixture", ("fixtures", name), str(problem))
        return resources, digests

    def _variables(self, names: Names) -> Names:
        declared: dict[str, Any] = {}
        for name, value in self._section("variables", dict).items():
            before = Names(names.fixtures, dict(declared))
            for message in before.faults(value):
                self._fault("expression", ("variables", name), message)
            declared[name] = value
        return Names(names.fixtures, declared)

    def _tests(self, names: Names) -> tuple[Test, ...]:
        reader = StepReader(self._document, self._problems, self._sound)
        tests = self._section("tests", list)
        ids = [test["id"] if isinstance(test, dict) and isinstance(test.get("id"), str) else None for test in tests]
        loaded = []
        for index, content in enumerate(tests):
            path = ("tests", index)
            if ids[index] is not None and ids[index] in ids[:index]:
                first = self._document.at(("tests", ids.index(ids[index]), "id")).line
                self._fault(
                    "duplicate", (*path, "id"), f'a test before this one has the id "{ids[index]}" (line {first})'
                )
            if self._sound(path):
                self._order(path, content, ids)
                loaded.append(reading(reader, path, content, names))
            else:  # for the problems of its sound steps
                rows = content.get("each", ()) if self._sound((*path, "each")) and isinstance(content, dict) else ()
                reader.steps((*path, "steps"), names.with_rows(rows), "SHALL")
        return tuple(loaded)

    def _order(self, path: tuple[str | int, ...], content: Mapping[str, Any], ids: list[Any]) -> None:
        """Look at ``control`` and ``depends``: only tests that stand earlier, so that there is no cycle."""
        index = int(path[1])
        depends = content.get("depends", [])
        named = [("control", content["control"])] if "control" in content else []
        named += [("depends", name) for name in ([depends] if isinstance(depends, str) else depends)]
        for key, name in named:
            if name in ids[:index]:
                continue
            if name in ids:
                message = f'{key}: the test "{name}" must stand before this one'
            else:
                message = f'{key}: the set has no test "{name}"{nearest(name, [known for known in ids if known])}'
            self._fault("order", (*path, key), message)
        if "control" not in content and ("negative" in content.get("tags", ()) or "mutants" in content):
            what = "a test with mutants" if "mutants" in content else "a test tagged negative"
            self._fault("control", path, f"{what} needs a control: the id of the test whose success makes it count")
