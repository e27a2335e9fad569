"""A test set as a TestScript."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from harness.fhir.definitions import Definitions
from harness.suite.model import Expectation, Interaction, Step, Test, TestSet
from harness.suite.paths import apply
from harness.suite.problem import ExpressionError
from harness.suite.testscript.comparison import read_back
from harness.suite.testscript.expectations import assertions, profiles_of
from harness.suite.testscript.loss import CannotBeSaid, Loss
from harness.suite.testscript.naming import unique
from harness.suite.testscript.values import Values, variable_name

_OPERATIONS = "http://terminology.hl7.org/CodeSystem/testscript-operation-codes"
_SENDS = (Interaction.CREATE, Interaction.UPDATE, Interaction.TRANSACTION, Interaction.BATCH)
_PLAIN = "${}/,:|._-$"
"""Characters of a parameter's value that stay as they are, so that variables do."""


@dataclass(frozen=True)
class Exported:
    """The TestScript of a test set, and what it leaves out."""

    script: dict[str, Any]
    fixtures: dict[str, Any]
    """What the script sends: path beside the script to resource, with the script's variables in it."""
    losses: tuple[Loss, ...]


def export_testset(test_set: TestSet, *, title: str = "en") -> Exported:
    """Return the TestScript (R4) of ``test_set``, titled in the language ``title``.

    A step becomes an operation with its assertions, a ``save`` a variable of its answer; what it sends becomes a
    file beside the script. A test that needs what no script can do is left out, and told.
    """
    return _Writer(test_set, title).write()


class _Writer:
    def __init__(self, test_set: TestSet, language: str) -> None:
        self._set, self._language = test_set, language
        self._losses: list[Loss] = []
        self._variables: dict[str, dict[str, Any]] = {}
        self._fixtures: dict[str, dict[str, Any]] = {}
        self._profiles = {
            url: f"profile-{number}"
            for number, url in enumerate(
                dict.fromkeys(
                    url
                    for step in self._steps()
                    for one in step.expect
                    for url in profiles_of(one.kind, one.value)
                    if "${" not in url
                ),
                1,
            )
        }
        self._responses = 0
        self._types = Definitions.embedded().resource_types

    def write(self) -> Exported:
        self._whole()
        setup = Values(self._set, {}, self._variables)
        actions, made = self._actions(self._set.setup, "setup", setup)
        tests, teardown = [], made
        for test in self._set.tests:
            for number, row in enumerate(test.each or ({},)):
                name = f"{test.id}-{number}" if test.each else test.id
                values = Values(self._set, row, self._variables)
                values.saved = dict(setup.saved)
                before = dict(self._variables), dict(self._fixtures)
                try:
                    self._refuse(test, name)
                    steps, left = self._actions(test.steps, name, values)
                except (CannotBeSaid, ExpressionError) as problem:
                    self._losses.append(Loss(name, "the test", str(problem)))
                    self._restore(*before)
                    continue
                teardown = left + teardown
                title = {"name": name, "description": test.title[self._language]}
                tests.append({"id": name[:64], **title, "action": steps})
        if any(step.interaction is Interaction.UPDATE for step in self._steps()):
            why = "a script cannot tell whether an update created something; add its deletes to the teardown"
            self._lose(Loss("teardown", "what updates create", why))
        script: dict[str, Any] = {
            "resourceType": "TestScript",
            "url": f"urn:fhir-harness:testset:{self._set.id}",
            "version": self._set.version,
            "name": self._set.id,
            "title": self._set.title[self._language],
            "status": "active",
            "fixture": [
                {"id": name, "autocreate": False, "autodelete": False, "resource": {"reference": self._path(name)}}
                for name in self._fixtures
            ],
            "profile": [{"id": name, "reference": url} for url, name in self._profiles.items()],
            "variable": list(self._variables.values()),
            "setup": {"action": actions} if actions else None,
            "test": tests,
            "teardown": {"action": teardown} if teardown else None,
        }
        files = {self._path(name): resource for name, resource in self._fixtures.items()}
        return Exported({key: value for key, value in script.items() if value}, files, tuple(self._losses))

    def _whole(self) -> None:
        """Tell what the set says of itself, or of every test, and a script has no place for."""
        verified = dict.fromkeys(name for test in self._set.tests for name in test.verifies)
        tags = dict.fromkeys((*self._set.tags, *(tag for test in self._set.tests for tag in test.tags)))
        other = [language for language in self._set.title if language != self._language]
        for what, values, why in (
            ("endpoint", [self._set.endpoint or ""], "a script names no address; run it against that one"),
            ("packages", self._set.packages, "a script names profiles, not their packages; load them where it runs"),
            ("verifies", verified, "a script has no place for requirements"),
            ("tags", tags, "a script has no tags"),
            ("title", other, f"a script has one language; it is titled in {self._language}"),
        ):
            if any(values):
                self._lose(Loss(self._set.id, f"{what}: {', '.join(values)}", why))

    def _steps(self) -> Iterator[Step]:
        """The steps of the set-up and of all tests."""
        yield from self._set.setup
        for test in self._set.tests:
            yield from test.steps

    def _restore(self, variables: dict[str, dict[str, Any]], fixtures: dict[str, dict[str, Any]]) -> None:
        """Forget what a test that was left out has added."""
        for kept, before in ((self._variables, variables), (self._fixtures, fixtures)):
            for name in [name for name in kept if name not in before]:
                del kept[name]

    def _path(self, fixture: str) -> str:
        return f"{self._set.id}/{fixture}.json"

    def _fixture(self, resource: dict[str, Any]) -> str:
        """The name of the fixture that is ``resource``: one that was sent before has one."""
        known = next((name for name, other in self._fixtures.items() if other == resource), None)
        name = known or f"{str(resource.get('resourceType')).lower()}-{len(self._fixtures) + 1}"
        self._fixtures[name] = resource
        return name

    def _lose(self, loss: Loss) -> None:
        self._losses.append(loss)

    def _refuse(self, test: Test, name: str) -> None:
        """Tell what a test says beside its steps. Raises CannotBeSaid where that is what it is about."""
        if test.mutants is not None:
            raise CannotBeSaid("bad resources that are derived are a run's, not a script's")
        alone, always = "the tests of a script do not depend on each other", "a test of a script is always run"
        for what, value, why in (
            ("control", test.control, alone),
            ("depends", test.depends, alone),
            ("needs", test.needs, always),
        ):
            if value:
                told = value if isinstance(value, str) else ", ".join(value)
                self._lose(Loss(name, f"{what}: {told}", why))

    def _actions(
        self, steps: tuple[Step, ...], place: str, values: Values
    ) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
        """The actions of the steps, and those that delete what they create."""
        actions: list[dict[str, Any]] = []
        undone: list[dict[str, Any]] = []
        for number, step in enumerate(steps, 1):
            here = f"{place}, step {number}"
            self._responses += 1
            response = f"response-{self._responses}"
            operation = self._operation(step, here, values, response)
            actions.append({"operation": operation})
            actions += [{"assert": one} for one in self._assertions(step, here, values)]
            self._saves(step, here, values, response, place)
            if step.interaction is Interaction.CREATE:
                name = f"{response}-id"
                self._variables[name] = {"name": name, "expression": "id", "sourceId": response}
                kind = str(self._fixtures[operation["sourceId"]].get("resourceType"))
                undone.insert(0, {"operation": self._addressed("delete", kind, f"/${{{name}}}")})
        return actions, undone

    def _operation(self, step: Step, place: str, values: Values, response: str) -> dict[str, Any]:
        for what, value in (("as", step.identity), ("until", step.until), ("pages", step.pages > 1)):
            if value:
                self._lose(Loss(place, what, "a script has no such thing"))
        made = self._sending(step, place, values) if step.interaction in _SENDS else self._asking(step, place, values)
        media = "application/fhir+xml" if step.format == "xml" else "application/fhir+json"
        headers = {name: value for name, value in step.headers.items() if value is not None}
        for name in step.headers.keys() - headers.keys():
            self._lose(Loss(place, f"no header {name}", "a script cannot keep a header from being sent"))
        conditions = (
            ("If-Match", _tag(step.if_match)),
            ("If-None-Match", _tag(step.if_none_match)),
            ("If-None-Exist", step.if_none_exist),
        )
        headers |= {name: value for name, value in conditions if value is not None}
        fields = [{"field": name, "value": str(values.of(value, place, self._lose))} for name, value in headers.items()]
        return {
            **made,
            "accept": media,
            **({"contentType": media} if "sourceId" in made else {}),
            **({"requestHeader": fields} if fields else {}),
            "responseId": response,
        }

    def _sending(self, step: Step, place: str, values: Values) -> dict[str, Any]:
        body = values.of(step.target, place, self._lose)
        if not isinstance(body, dict):
            raise CannotBeSaid("what it sends is not known before the run")
        changes = {path: values.of(value, place, self._lose) for path, value in step.set.items()}
        body = apply(body, changes, step.remove)
        name, kind = self._fixture(body), str(body.get("resourceType"))
        params = self._query(step, place, values)
        if step.interaction is Interaction.UPDATE and not params:
            params = f"/{body.get('id')}"
        whole = step.interaction in (Interaction.TRANSACTION, Interaction.BATCH)
        return {**self._addressed(step.interaction.value, None if whole else kind, params), "sourceId": name}

    def _asking(self, step: Step, place: str, values: Values) -> dict[str, Any]:
        query = self._query(step, place, values)
        match step.interaction:
            case Interaction.CAPABILITIES:
                return self._addressed("capabilities", None, "/metadata")
            case Interaction.READ | Interaction.VREAD | Interaction.DELETE | Interaction.SEARCH | Interaction.HISTORY:
                address = str(values.of(step.target, place, self._lose))
                if address.startswith("${"):
                    return {**self._addressed(step.interaction.value, None), "url": f"{address}{query}"}
                kind, slash, rest = address.partition("/")
                return self._addressed(step.interaction.value, kind or None, f"{slash}{rest}{query}")
            case Interaction.OPERATION if isinstance(step.target, str):
                address = str(values.of(step.target, place, self._lose))
                return {"method": "get", "url": f"{address}{query}", "encodeRequestUrl": True}
        raise CannotBeSaid(f"a script has no word for the step {step.interaction}")

    def _addressed(self, code: str, kind: str | None, params: str = "") -> dict[str, Any]:
        """An operation and its address; ``resource`` is a type of R4 (TestScript.setup.action.operation.resource)."""
        made: dict[str, Any] = {"type": {"system": _OPERATIONS, "code": code}, "encodeRequestUrl": True}
        if kind and kind not in self._types:
            return {**made, "url": f"{kind}{params}"}
        return {**made, **({"resource": kind} if kind else {}), **({"params": params} if params else {})}

    def _query(self, step: Step, place: str, values: Values) -> str:
        pairs = []
        for name, value in step.params.items():
            several = value if isinstance(value, list | tuple) else [value]
            key = str(values.of(name, place, self._lose))
            pairs += [f"{key}={quote(str(values.of(one, place, self._lose)), safe=_PLAIN)}" for one in several]
        return f"?{'&'.join(pairs)}" if pairs else ""

    def _assertions(self, step: Step, place: str, values: Values) -> list[dict[str, Any]]:
        made = []
        for one in step.expect:
            try:
                for assertion in self._said(one, place, values, paged=step.pages > 1):
                    direction = {"direction": "request" if one.of == "request" else "response"}
                    made.append({**direction, **assertion, "warningOnly": one.level != "SHALL"})
            except (CannotBeSaid, ExpressionError) as problem:
                self._lose(Loss(place, f"expect {one.kind}", str(problem)))
        return made

    def _said(self, one: Expectation, place: str, values: Values, *, paged: bool) -> Iterator[dict[str, Any]]:
        """The assertions of one expectation. Raises CannotBeSaid, ExpressionError."""
        if one.kind == "searchset" and paged:
            raise CannotBeSaid("a script sees one page, and it is about all of them")
        value = values.of(one.value, place, self._lose)
        if one.kind == "same-as" and set(value) == {"value", "at-least"} and isinstance(value["value"], dict):
            yield {"minimumId": self._fixture(value["value"])}
            return
        if one.kind != "that":
            yield from assertions(one.kind, value, self._profiles)
            return
        for text in value if isinstance(value, list) else [value]:
            compared = read_back(text) if "%" in text else None
            if compared is None:
                yield from assertions(one.kind, values.inlined(text), self._profiles)
            else:
                expression, operator, wanted = compared
                told = str(values.of(wanted, place, self._lose))
                yield {"expression": expression, "operator": operator, "value": told}

    def _saves(self, step: Step, place: str, values: Values, response: str, test: str) -> None:
        for name, source in step.save.items():
            plain, taken = variable_name(name), {one.lower() for one in self._variables}
            written = unique(variable_name(f"{test}-{name}") if plain.lower() in taken else plain, taken)
            variable: dict[str, Any] = {"name": written, "sourceId": response}
            header = source.removeprefix("header.")
            if source == "status" or (header != source and "." in header and header != "Location.id"):
                self._lose(Loss(place, f"save {name}", f"a script keeps whole headers and elements, not {source}"))
                continue
            if header == "Location.id":
                self._lose(Loss(place, f"save {name}", "taken from the id of the answer, not from its Location", True))
                variable["expression"] = "id"
            elif header != source:
                variable["headerField"] = header
            else:
                try:
                    variable["expression"] = values.inlined(source)
                except CannotBeSaid as problem:
                    self._lose(Loss(place, f"save {name}", str(problem)))
                    continue
            self._variables[variable["name"]] = variable
            values.saved[name] = variable["name"]


def _tag(version: str | None) -> str | None:
    """A version as an ETag (R4, http.html#versioning); the test-set language may leave out what stands around it."""
    return version if version is None or version[:1] in ('"', "*") or version.startswith("W/") else f'W/"{version}"'
