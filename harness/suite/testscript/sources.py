"""What the actions of a TestScript may name: its fixtures, its variables, and what was received before."""

import json
import re
from collections.abc import Collection, Mapping, Sequence
from decimal import Decimal
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath import compile_expression
from harness.suite.expressions import escape
from harness.suite.names import placeheld
from harness.suite.testscript.comparison import PLACEHOLDER
from harness.suite.testscript.loss import CannotBeSaid
from harness.suite.testscript.naming import Names
from harness.suite.testscript.operations import Target
from harness.suite.testscript.parts import Made, Part
from harness.suite.testscript.xpath import fhirpath_of

Resource = dict[str, Any]
_NOTHING: tuple[int, None] = (0, None)
_HEADER = re.compile(r"[!#$%&'*+^_`|~0-9A-Za-z-]+")


class Sources:
    """Resolves names at the place of one action; what an answer must keep for it is noted by :meth:`commit`."""

    def __init__(
        self,
        fixtures: Mapping[str, Resource],
        variables: Mapping[str, Mapping[str, Any]],
        values: Mapping[str, str],
        contained: Collection[str] = (),
    ) -> None:
        """``fixtures`` and ``variables`` are the script's by their names there; ``values`` are given by a person.

        ``contained`` names the fixtures that stand in the script itself.
        """
        self.fixtures = fixtures
        self.contained = contained
        self.variables = variables
        self.parts: list[Part] = []
        """The set-up, and the tests so far: the last one is being read."""
        self.shared: list[tuple[int, int]] = []
        """Indices of parts: the second uses an answer of the first."""
        self.constants: dict[str, Any] = {}
        """Variables that are known before the run, and are used, by their name in the test set."""
        self.types = {name: str(one["resourceType"]) for name, one in fixtures.items()}
        """Resource type by the name of a fixture or an answer; empty where it cannot be told."""
        self._given = values
        self._fixture_names, self._names = Names(), Names()
        for name in fixtures:
            self._fixture_names.of(name)
        self._created: dict[str, str] = {}
        self._answers: dict[str, tuple[int, Made]] = {}
        self._pending: list[tuple[Made, str, str]] = []
        self._pending_shared: list[tuple[int, int]] = []

    def fixtures_by_name(self) -> dict[str, Resource]:
        """Return the fixtures by their name in the test set."""
        return {self._fixture_names.of(name): resource for name, resource in self.fixtures.items()}

    def commit(self) -> None:
        """Have the answers keep what was resolved since the last time."""
        for made, name, source in self._pending:
            made.content.setdefault("save", {})[name] = source
        self.shared += self._pending_shared
        self.forget()

    def forget(self) -> None:
        """Take back what was resolved for an action that is left out."""
        self._pending, self._pending_shared = [], []

    def asked_of(self, steps: Sequence[Made]) -> str | None:
        """Return the name of a value that was asked of one of ``steps`` since the last time; None when none was."""
        return next((name for made, name, _ in self._pending if any(made is one for one in steps)), None)

    def created(self, fixture: str) -> Made:
        """Return the step that creates a fixture by itself; from now on its id is the one that it got there."""
        name = self._created[fixture] = self._names.of(f"{fixture}-id")
        return Made({"create": self.body(fixture), "save": {name: "id"}}, self.types[fixture])

    def filled(self, value: Any, *, declared_only: bool = False) -> Any:
        """Return ``value`` with the names in its ``${…}`` as the test set has them.

        ``declared_only``: what names no variable is text, as in a fixture's body. Raises CannotBeSaid for a variable
        that nothing gives a value.
        """
        if isinstance(value, dict):
            return {name: self.filled(member, declared_only=declared_only) for name, member in value.items()}
        if isinstance(value, list):
            return [self.filled(item, declared_only=declared_only) for item in value]
        if not isinstance(value, str):
            return value
        parts, end = [], 0
        for found in PLACEHOLDER.finditer(value):
            if declared_only and found[1] not in self.variables:
                continue
            parts += [escape(value[end : found.start()]), f"${{{self._used(found[1])}}}"]
            end = found.end()
        return "".join([*parts, escape(value[end:])])

    def plain(self, text: str) -> str:
        """Return ``text`` of a test set with the variables filled in that are known before the run."""
        return PLACEHOLDER.sub(lambda found: str(self.constants.get(found[1], found[0])), text)

    def _used(self, name: str) -> str:
        """The name in the test set of a variable that has a value here. Raises CannotBeSaid."""
        if name not in self.variables:
            raise CannotBeSaid(f'no variable is called "{name}"; declare it')
        variable, written = self.variables[name], self._names.of(f"variable {name}", name)
        source = variable.get("sourceId")
        if written in self.constants:
            return written
        made = self.answer(str(source)) if source is not None else None
        if name in self._given:
            self.constants[written] = escape(self._given[name])
        elif made is not None:
            self._pending.append((made, written, _saved(variable)))
        elif source in self.fixtures and "headerField" not in variable:
            value = self._one_value(str(source), element(variable))
            self.constants[written] = escape(value) if isinstance(value, str) else value
        elif "defaultValue" in variable:
            self.constants[written] = escape(str(variable["defaultValue"]))
        elif source is not None:
            raise CannotBeSaid(f'the variable {name} is of "{source}", which nothing before it receives')
        elif {"expression", "path", "headerField"} & set(variable):
            raise CannotBeSaid(f"the variable {name} has no sourceId; give it the responseId of an operation")
        else:
            raise CannotBeSaid(f"nothing gives {name} a value; import with --variable {name}=VALUE")
        return written

    def answer(self, response: str) -> Made | None:
        """Return the step whose answer it is, of this part or the latest before; None when nothing received it."""
        here = len(self.parts) - 1
        index, made = self._answers.get(response, _NOTHING)
        if 0 < index < here:
            self._pending_shared.append((index, here))
        return made

    def received(self, response: str, made: Made) -> None:
        """Note the step whose answer has this name from now on."""
        self._answers[response] = len(self.parts) - 1, made

    def save(self, made: Made, expression: str, name: str) -> str:
        """Return the name that a value of an answer is saved under; ``name`` is a proposal."""
        written = self._names.of(f"{id(made)} {expression}", name)
        self._pending.append((made, written, expression))
        return written

    def values_of(self, fixture: str, expression: str) -> list[Any]:
        """Return the values of an expression on a fixture. Raises CannotBeSaid."""
        try:
            return list(compile_expression(expression).evaluate(self.fixtures[fixture]))
        except (FHIRPathError, RecursionError, ArithmeticError) as problem:
            raise CannotBeSaid(f"{expression} of the fixture {fixture}: {problem}") from problem

    def _one_value(self, fixture: str, expression: str) -> Any:
        values = self.values_of(fixture, expression)
        if len(values) != 1 or isinstance(values[0], dict | list):
            found = "an object" if len(values) == 1 else f"{len(values)} values"
            raise CannotBeSaid(f"{expression} is {found} in the fixture {fixture}; a variable has one (R4, variable)")
        return str(values[0]) if isinstance(values[0], Decimal) else values[0]

    def sent(self, source: Any) -> Any:
        """Return the resource of ``sourceId``, or ``${…}``; None where there is none. Raises CannotBeSaid."""
        if source is None:
            return None
        if source in self.fixtures:
            return self.body(str(source))
        made = self.answer(str(source))
        if made is None:
            raise CannotBeSaid(f'"{source}" is neither a fixture that is at hand nor an answer before it')
        return f"${{{self.save(made, '$this', f'{source}-resource')}}}"

    def body(self, fixture: str) -> Any:
        """Return the fixture by its name; one with variables in it is written out, where they are filled in."""
        resource = self.fixtures[fixture]
        if set(self.variables) & set(PLACEHOLDER.findall(json.dumps(resource, default=str))):
            return self.filled(resource, declared_only=True)
        return f"${{fixtures.{self._fixture_names.of(fixture)}}}"

    def least(self, source: str) -> Any:
        """Return what an answer is to hold at least; the id of a contained resource is only its name in the script.

        Raises CannotBeSaid.
        """
        if source not in self.contained or source not in self.fixtures:
            return self.sent(source)
        resource = {name: value for name, value in self.fixtures[source].items() if name != "id"}
        return self.filled(resource, declared_only=True)

    def target(self, operation: Mapping[str, Any]) -> Target | None:
        """Return what ``targetId`` names; None where the address stands in url or params. Raises CannotBeSaid."""
        target = operation.get("targetId")
        if target is None or "url" in operation or "params" in operation:
            return None
        kind = operation.get("resource") or self.types.get(str(target))
        if not kind:
            raise CannotBeSaid(f'the type of its target "{target}" cannot be told; give it its resource')
        if target in self._created:
            return Target(f"{kind}/${{{self._created[target]}}}")
        if target in self.fixtures:
            resource = self.fixtures[target]
            if not _is_id(resource.get("id")):
                raise CannotBeSaid(f"its target, the fixture {target}, has no id of FHIR; write params: /id")
            meta = resource.get("meta")
            known = meta.get("versionId") if isinstance(meta, dict) else None
            return Target(f"{kind}/{resource['id']}", known if _is_id(known) else None)
        made = self.answer(str(target))
        if made is None:
            raise CannotBeSaid(f'its target "{target}" is neither a fixture that is at hand nor an answer before it')
        version = None
        if operation.get("type", {}).get("code") == "vread":
            version = f"${{{self.save(made, 'meta.versionId', f'{target}-version')}}}"
        return Target(f"{kind}/${{{self.save(made, 'id', f'{target}-id')}}}", version)


def element(part: Mapping[str, Any], prefix: str = "") -> str:
    """Return the element that a part of a script names, by ``expression`` or ``path``, as FHIRPath.

    Raises CannotBeSaid.
    """
    expression, path = ("expression", "path") if not prefix else (f"{prefix}Expression", f"{prefix}Path")
    if part.get(expression):
        return checked(str(part[expression]))
    if part.get(path):
        return checked(fhirpath_of(str(part[path])))
    raise CannotBeSaid("it names no element: give it an expression")


def checked(expression: str) -> str:
    """Return ``expression`` when it is FHIRPath. Raises CannotBeSaid."""
    try:
        compile_expression(placeheld(expression))
    except FHIRPathError as problem:
        raise CannotBeSaid(f"not FHIRPath: {problem}") from problem
    return expression


def _is_id(value: Any) -> bool:
    """R4, datatypes.html#id."""
    return isinstance(value, str) and re.fullmatch(r"[A-Za-z0-9.-]{1,64}", value) is not None


def _saved(variable: Mapping[str, Any]) -> str:
    if "${" in str([variable.get(one) for one in ("expression", "path", "headerField")]):
        raise CannotBeSaid(f"the variable {variable.get('name')} uses ${{…}}, where none is filled in (R4, variable)")
    header = variable.get("headerField")
    if header is None:
        return element(variable)
    if not _HEADER.fullmatch(header):
        raise CannotBeSaid(f"{header!r} is no name of a header")
    return f"header.{header}"
