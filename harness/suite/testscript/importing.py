"""A TestScript as a test set."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from harness.errors import FHIRPathError, TestSetError
from harness.fhir.fhirpath import compile_expression
from harness.suite.testscript.assertions import CannotBeSaid, expectation, fhirpath_of
from harness.suite.testscript.loss import Loss
from harness.suite.testscript.operations import step as step_of

_REFERENCE = re.compile(r"\$\{([^{}]+)\}")
Resource = dict[str, Any]


@dataclass(frozen=True)
class Imported:
    """What a script came to: the content of a test set's file, its fixtures by name, and what was left out."""

    test_set: dict[str, Any]
    fixtures: Mapping[str, Resource]
    losses: tuple[Loss, ...]


def import_testscript(script: Resource, find: Callable[[str], Resource | None]) -> Imported:
    """Return the test set that ``script``, a TestScript of R4, is. ``find`` reads the resource of a reference.

    A fixture becomes a file, a variable of an answer a ``save``, an assertion an expectation. Where later tests use
    what earlier ones received, all become one test. Raises TestSetError when nothing is left to run.
    """
    if script.get("resourceType") != "TestScript":
        raise TestSetError(f"a {script.get('resourceType', 'file without resourceType')} is no TestScript")
    return _Reader(script, find).read()


@dataclass
class _Part:
    """Steps in the making: of the set-up, or of one test."""

    name: str
    title: str
    steps: list[dict[str, Any]] = field(default_factory=list)
    responses: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Step by its responseId."""


class _Reader:
    def __init__(self, script: Resource, find: Callable[[str], Resource | None]) -> None:
        self._script = script
        self._losses: list[Loss] = []
        self._profiles = {str(one["id"]): str(one["reference"]) for one in script.get("profile", ()) if "id" in one}
        self._fixtures = dict(self._read_fixtures(find))
        self._types: dict[str, str] = {name: str(one.get("resourceType")) for name, one in self._fixtures.items()}
        self._variables = {str(one["name"]): one for one in script.get("variable", ())}
        self._constants: dict[str, Any] = {}

    def read(self) -> Imported:
        for name, variable in self._variables.items():
            self._constant(name, variable)
        setup = self._part("setup", "setup", self._script.get("setup", {}))
        for fixture in reversed(self._script.get("fixture", [])):
            if fixture.get("autocreate") is True and fixture.get("id") in self._fixtures:
                setup.steps.insert(0, {"create": self._body(fixture["id"])})
        tests = [
            self._part(
                f"test {test.get('id') or test.get('name') or number}",
                str(test.get("description") or test.get("name") or test.get("id") or f"Test {number}"),
                test,
            )
            for number, test in enumerate(self._script.get("test", ()), 1)
        ]
        tests = self._joined([test for test in tests if test.steps])
        if not tests:
            raise TestSetError("nothing of the script can be run:\n" + "\n".join(map(str, self._losses)))
        self._save(setup, tests)
        setup.steps = [one for one in setup.steps if self._known("setup", [one], setup.steps)]
        tests = [part for part in tests if self._known(part.name, part.steps, [*setup.steps, *part.steps])]
        if not tests:
            raise TestSetError("nothing of the script can be run:\n" + "\n".join(map(str, self._losses)))
        if self._script.get("teardown"):
            self._lose("teardown", "its operations", "the harness deletes what a run created by itself")
        return Imported(self._written(setup, tests), self._used(setup, tests), tuple(self._losses))

    def _lose(self, place: str, what: str, why: str) -> None:
        self._losses.append(Loss(place, what, why))

    def _read_fixtures(self, find: Callable[[str], Resource | None]) -> Iterator[tuple[str, Resource]]:
        contained = {f"#{one.get('id')}": one for one in self._script.get("contained", ())}
        for number, fixture in enumerate(self._script.get("fixture", ())):
            name = str(fixture.get("id") or f"fixture-{number}")
            reference = str(fixture.get("resource", {}).get("reference", ""))
            resource = contained.get(reference) or (find(reference) if reference else None)
            if resource is None:
                self._lose(f"fixture {name}", reference or "no reference", "its resource is not at hand")
            else:
                yield name, _renamed(resource)

    def _constant(self, name: str, variable: Mapping[str, Any]) -> None:
        """A variable that is known before the run: a default, or a part of a fixture."""
        source = variable.get("sourceId")
        if source in self._fixtures and "headerField" not in variable:
            try:
                values = compile_expression(_expression(variable)).evaluate(self._fixtures[source])
            except (CannotBeSaid, FHIRPathError) as problem:
                self._lose(f"variable {name}", _told(variable), str(problem))
            else:
                if len(values) == 1:
                    self._constants[_name(name)] = values[0]
                else:
                    self._lose(
                        f"variable {name}", _told(variable), f"the fixture {source} has {len(values)} such values"
                    )
        elif source is None and "defaultValue" in variable:
            self._constants[_name(name)] = str(variable["defaultValue"])

    def _part(self, name: str, title: str, part: Mapping[str, Any]) -> _Part:
        made = _Part(name, title)
        last: dict[str, Any] | None = None
        for number, action in enumerate(part.get("action", ()), 1):
            place = f"{name}, action {number}"
            try:
                if "operation" in action:
                    last = None
                    last = self._operation(made, action["operation"])
                elif last is not None or "sourceId" in action.get("assert", {}):
                    self._assertion(made, action.get("assert", {}), last)
                else:
                    raise CannotBeSaid("its operation was left out")
            except CannotBeSaid as problem:
                self._lose(place, _told(action.get("operation") or action.get("assert") or {}), str(problem))
        return made

    def _operation(self, part: _Part, operation: Mapping[str, Any]) -> dict[str, Any]:
        source, target = operation.get("sourceId"), operation.get("targetId")
        body: Any = None
        if source in self._fixtures:
            body = self._body(str(source))
        elif source in self._types:
            body = self._saved(str(source), "$this", f"{source}-resource")
        elif source is not None:
            raise CannotBeSaid(f'nothing is known of its source "{source}"')
        step = step_of(_renamed(dict(operation)), body, self._target(operation, target))
        part.steps.append(step)
        if "responseId" in operation:
            name = str(operation["responseId"])
            part.responses[name] = step
            kind = operation.get("resource") or self._types.get(str(source or target)) or ""
            self._types[name] = str(kind)
        return step

    def _body(self, fixture: str) -> Any:
        """The fixture by its name; one with variables in it is written into the step, where they are filled in."""
        resource = self._fixtures[fixture]
        return resource if _REFERENCE.search(json.dumps(resource, default=str)) else f"${{fixtures.{_name(fixture)}}}"

    def _target(self, operation: Mapping[str, Any], target: Any) -> str | None:
        if target is None:
            return None
        kind = operation.get("resource") or self._types.get(str(target))
        if not kind:
            raise CannotBeSaid(f'the type of its target "{target}" cannot be told')
        if target in self._fixtures:
            return f"{kind}/{self._fixtures[target].get('id')}"
        return f"{kind}/{self._saved(str(target), 'id', f'{target}-id')}"

    def _saved(self, response: str, expression: str, name: str) -> str:
        self._variables[name] = {"name": name, "sourceId": response, "expression": expression}
        return f"${{{_name(name)}}}"

    def _assertion(self, part: _Part, assertion: Mapping[str, Any], last: dict[str, Any] | None) -> None:
        source = assertion.get("sourceId")
        step = part.responses.get(str(source)) if source is not None else last
        if step is None:
            raise CannotBeSaid(f'"{source}" is no answer of this test')
        kept = {name: value for name, value in assertion.items() if name != "sourceId"}
        if "compareToSourceId" in kept:
            kept["value"] = self._compared(kept)
            kept = {name: value for name, value in kept.items() if not name.startswith("compareTo")}
        expected = expectation(_renamed(kept), self._profiles)
        step.setdefault("expect", []).append(expected)

    def _compared(self, assertion: Mapping[str, Any]) -> str:
        source = str(assertion["compareToSourceId"])
        expression = _expression(
            {"expression": assertion.get("compareToSourceExpression"), "path": assertion.get("compareToSourcePath")}
        )
        if source not in self._fixtures:
            return self._saved(source, expression, f"{source}-{_slug(expression)}")
        values = compile_expression(expression).evaluate(self._fixtures[source])
        if len(values) != 1:
            raise CannotBeSaid(f"the fixture {source} has {len(values)} values of {expression}")
        return str(values[0])

    def _joined(self, tests: list[_Part]) -> list[_Part]:
        """The tests, or one of them all when one uses what another received."""
        owner = {name: part for part in tests for name in part.responses}
        for part in tests:
            for variable in self._named(part):
                source = self._variables[variable].get("sourceId")
                if source in owner and owner[source] is not part:
                    whole = _Part("all tests", str(self._script.get("title") or self._script.get("name")))
                    for one in tests:
                        whole.steps += one.steps
                        whole.responses.update(one.responses)
                    self._lose(
                        part.name, "being a test of its own", "it uses what an earlier test received: all are one"
                    )
                    return [whole]
        return tests

    def _named(self, part: _Part) -> list[str]:
        found = set(_REFERENCE.findall(json.dumps(part.steps, default=str)))
        return [name for name in self._variables if _name(name) in found]

    def _referenced(self, part: _Part) -> list[str]:
        text = json.dumps(part.steps, default=str)
        return [name for name in self._fixtures if f"${{fixtures.{_name(name)}}}" in text]

    def _save(self, setup: _Part, tests: list[_Part]) -> None:
        """Have each answer keep what later steps need of it."""
        for part in (setup, *tests):
            for name in self._named(part):
                variable = self._variables[name]
                source = variable.get("sourceId")
                step = part.responses.get(str(source)) or setup.responses.get(str(source))
                if _name(name) in self._constants or source in self._fixtures:
                    continue
                if step is None:
                    continue
                try:
                    header = variable.get("headerField")
                    step.setdefault("save", {})[_name(name)] = f"header.{header}" if header else _expression(variable)
                except CannotBeSaid as problem:
                    self._lose(f"variable {name}", _told(variable), str(problem))

    def _known(self, name: str, steps: list[dict[str, Any]], saving: list[dict[str, Any]]) -> bool:
        """Whether every variable in ``steps`` has a value; what uses one that has none is left out."""
        saved = {kept for step in saving for kept in step.get("save", {})}
        named = {found for found in _REFERENCE.findall(json.dumps(steps, default=str)) if "." not in found}
        unknown = sorted(named - saved - set(self._constants))
        if unknown:
            self._lose(
                name, "all of it" if name != "setup" else "a step", f"{', '.join(unknown)}: nothing gives a value"
            )
        return not unknown

    def _used(self, setup: _Part, tests: list[_Part]) -> dict[str, Resource]:
        names = {name for part in (setup, *tests) for name in self._referenced(part)}
        return {_name(name): resource for name, resource in self._fixtures.items() if name in names}

    def _written(self, setup: _Part, tests: list[_Part]) -> dict[str, Any]:
        name = _slug(str(self._script.get("name") or self._script.get("id") or "testscript"))
        title = str(self._script.get("title") or self._script.get("name") or name)
        used = json.dumps([part.steps for part in (setup, *tests)], default=str) + json.dumps(
            self._fixtures, default=str
        )
        constants = {key: _plain(value) for key, value in self._constants.items() if f"${{{key}}}" in used}
        fixtures = {key: f"{name}/{key}.json" for key in self._used(setup, tests)}
        steps = [self._proven(setup, one) for one in setup.steps]
        ids: dict[str, int] = {}
        return {
            "testset": name,
            "version": "1.0.0",
            "title": _text(title),
            "candidate": "server",
            **({"fixtures": fixtures} if fixtures else {}),
            **({"variables": constants} if constants else {}),
            **({"setup": steps} if steps else {}),
            "tests": [
                {
                    "id": _unique(_slug(part.name.removeprefix("test ")), ids),
                    "title": _text(part.title),
                    "steps": [self._proven(part, one) for one in part.steps],
                }
                for part in tests
            ],
        }

    def _proven(self, part: _Part, step: dict[str, Any]) -> dict[str, Any]:
        """A step that expects nothing proves nothing here: it is to succeed."""
        if "expect" in step or part.name == "setup":
            return step
        self._lose(part.name, f"{next(iter(step))} without an assertion", "it is expected to answer 2xx")
        return {**step, "expect": [{"status": "2xx"}]}


def _expression(variable: Mapping[str, Any]) -> str:
    if variable.get("expression"):
        return str(variable["expression"])
    if variable.get("path"):
        return fhirpath_of(str(variable["path"]))
    raise CannotBeSaid("it names no element")


def _renamed(value: Any) -> Any:
    """``value`` with the names in its ``${…}`` as the test-set language writes them."""
    if isinstance(value, str):
        return _REFERENCE.sub(lambda found: f"${{{_name(found[1])}}}", value)
    if isinstance(value, dict):
        return {name: _renamed(member) for name, member in value.items()}
    return [_renamed(item) for item in value] if isinstance(value, list) else value


def _name(text: str) -> str:
    plain = re.sub(r"[^A-Za-z0-9_-]+", "-", text)
    return plain if plain[:1].isalpha() else f"x-{plain}"


def _slug(text: str) -> str:
    spread = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "-", text)
    return re.sub(r"[^a-z0-9]+", "-", spread.lower()).strip("-")[:80].strip("-") or "script"


def _unique(slug: str, seen: dict[str, int]) -> str:
    seen[slug] = seen.get(slug, 0) + 1
    return slug if seen[slug] == 1 else f"{slug}-{seen[slug]}"


def _text(title: str) -> dict[str, str]:
    return {"en": title, "fr": title}


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Decimal) else value


def _told(part: Mapping[str, Any]) -> str:
    """What a part of a script is, in a few words: its label, or its first members."""
    for name in ("label", "description", "name"):
        if part.get(name):
            return str(part[name])
    return (
        ", ".join(f"{name}={value}" for name, value in list(part.items())[:3] if not isinstance(value, dict | list))
        or "-"
    )
