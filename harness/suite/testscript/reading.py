"""The actions of a TestScript, read one after the other."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.errors import TestSetError
from harness.suite.testscript.asserting import blocks
from harness.suite.testscript.comparison import PLACEHOLDER
from harness.suite.testscript.loss import CannotBeSaid, Loss
from harness.suite.testscript.operations import step as step_of
from harness.suite.testscript.operations import writes
from harness.suite.testscript.parts import Made, Part
from harness.suite.testscript.shape import check_content, strange
from harness.suite.testscript.sources import Resource, Sources

NO_R4 = "R4 has no such element, and what it means is left out"
_TOLD = ("label", "description")
_ENCODED = re.compile(r"[^\w/?=&.,:;~$@!'*(){}%+-]", re.ASCII)
"""Characters of an address that are sent percent-encoded."""


class ScriptReader:
    """Reads the parts of a script in order; what cannot be said goes to ``losses``."""

    def __init__(self, script: Resource, find: Callable[[str], Resource | None], values: Mapping[str, str]) -> None:
        self.losses: list[Loss] = []
        self._script = script
        self._profiles = {str(one["id"]): str(one.get("reference")) for one in script.get("profile", ()) if "id" in one}
        variables = {str(one["name"]): one for one in script.get("variable", ())}
        contained = {
            str(one.get("id"))
            for one in script.get("fixture", ())
            if str(one.get("resource", {}).get("reference", "")).startswith("#")
        }
        self.sources = Sources(dict(self._read_fixtures(find)), variables, values, contained)

    @property
    def parts(self) -> list[Part]:
        """The set-up and the tests that were read."""
        return self.sources.parts

    def lose(self, place: str, what: str, why: str, *, kept: bool = False) -> None:
        """Tell what is left out, or said otherwise."""
        self.losses.append(Loss(place, what, why, kept))

    def read(self, name: str, title: str, part: Mapping[str, Any]) -> None:
        """Read the actions of a set-up or a test."""
        self.parts.append(Part(name, title))
        if len(self.parts) == 1:
            self._autocreate()
        last: Made | None = None
        why = "no operation stands before it"
        for number, action in enumerate(part.get("action", ()), 1):
            place, what = f"{name}, action {number}", action.get("operation") or action.get("assert") or {}
            try:
                if action.get("modifierExtension") or what.get("modifierExtension"):
                    raise CannotBeSaid("a modifierExtension changes what it means, in a way that is not known")
                if "operation" in action:
                    last, why = None, "its operation was left out"
                    last = self._operation(what, place)
                elif "assert" in action:
                    self._assertion(what, last, place, why)
                else:
                    raise CannotBeSaid("it has neither operation nor assert")
                self.sources.commit()
                if unknown := strange(action):
                    self.lose(place, ", ".join(unknown), NO_R4)
            except CannotBeSaid as problem:
                self.sources.forget()
                self.lose(place, told(what), str(problem))
                rest = len(part["action"]) - number
                if "operation" in action and rest and len(self.parts) > 1 and writes(what):
                    self.lose(name, f"the rest of it, {rest} actions", "it builds on what was left out")
                    return

    def deleted(self, operation: Mapping[str, Any]) -> str | None:
        """Return the address (``Type/id``) that an operation deletes; None when it does not, or it cannot be told."""
        try:
            made = step_of(self.sources.filled(_bare(operation)), None, self.sources.target(operation))
        except CannotBeSaid:
            return None
        finally:
            self.sources.forget()
        return self.sources.plain(str(made["delete"])) if "delete" in made and "params" not in made else None

    def _autocreate(self) -> None:
        """Create the fixtures that are created by themselves."""
        for fixture in self._script.get("fixture", ()):
            if fixture.get("autocreate") is True and fixture.get("id") in self.sources.fixtures:
                self.parts[0].steps.append(self.sources.created(fixture["id"]))
                self.sources.commit()

    def _read_fixtures(self, find: Callable[[str], Resource | None]) -> Iterator[tuple[str, Resource]]:
        contained = {f"#{one['id']}": one for one in self._script.get("contained", ()) if "id" in one}
        for number, fixture in enumerate(self._script.get("fixture", ()), 1):
            name = str(fixture.get("id") or f"fixture-{number}")
            reference = str(fixture.get("resource", {}).get("reference", ""))
            try:
                resource = contained.get(reference) or (find(reference) if reference else None)
                if resource is None or not isinstance(resource.get("resourceType"), str):
                    raise CannotBeSaid("its resource is not at hand")
                check_content(resource, reference)
            except (CannotBeSaid, TestSetError) as problem:
                self.lose(f"fixture {name}", reference or "no reference", str(problem))
            else:
                yield name, resource

    def _operation(self, operation: Mapping[str, Any], place: str) -> Made:
        source = operation.get("sourceId")
        body, target = self.sources.sent(source), self.sources.target(operation)
        made = Made(step_of(self.sources.filled(_bare(operation)), body, target))
        types = self.sources.types
        kind = operation.get("resource") or types.get(str(source or operation.get("targetId"))) or ""
        made.kind = types.get(str(source)) or str(kind)
        if "update" in made.content and "params" not in made.content:
            self._addressed(made, source, place)
        if "patch" in made.content and made.kind != "Parameters":
            raise CannotBeSaid("a patch that is no Parameters; write patch with operations (JSON Patch)")
        address = PLACEHOLDER.sub("", f"{operation.get('url', '')}{operation.get('params', '')}")
        if operation.get("encodeRequestUrl") is False and _ENCODED.search(address):
            self.lose(place, told(operation), "its URL is sent percent-encoded all the same", kept=True)
        part = self.parts[-1]
        part.steps.append(made)
        if "responseId" in operation:
            part.responses[str(operation["responseId"])] = made
            self.sources.received(str(operation["responseId"]), made)
            types[str(operation["responseId"])] = str(kind)
        if "requestId" in operation:
            part.requests[str(operation["requestId"])] = made
        return made

    def _addressed(self, made: Made, source: Any, place: str) -> None:
        """An update by id: the address and the body say the same, as http.html#update demands."""
        own = self.sources.fixtures.get(str(source), {}).get("id")
        wanted = made.content.get("set", {}).get("id")
        made.identifier = self.sources.plain(str(wanted or own or "")) or None
        if made.identifier is None:
            raise CannotBeSaid("an update needs an id: in params (/id), or in the resource")
        if wanted is not None and own == made.identifier:
            del made.content["set"]
        elif wanted is not None and own is not None:
            why = (
                "its id is set to that of the address: a server refuses an update where they differ (http.html#update)"
            )
            self.lose(place, f"the fixture {source} as it is", why, kept=True)

    def _assertion(self, assertion: Mapping[str, Any], last: Made | None, place: str, why: str) -> None:
        plain = _bare(assertion)
        made = self._judged(plain, last, why)
        found, otherwise = blocks(plain, made, self.sources, self._profiles)
        steps = self.parts[-1].steps
        late = self.sources.asked_of(steps[next(index for index, one in enumerate(steps) if one is made) :])
        if late:
            raise CannotBeSaid(f"{late} is of this answer or of a later one, known only once this one was judged")
        for block in found:
            made.expect(block)
        if otherwise:
            self.lose(place, told(assertion), otherwise, kept=True)

    def _judged(self, assertion: dict[str, Any], last: Made | None, why: str) -> Made:
        """The step that an assertion is about; its ``sourceId`` is taken out. Raises CannotBeSaid."""
        source = assertion.pop("sourceId", None)
        part = self.parts[-1]
        if source is None:
            if last is None:
                raise CannotBeSaid(why)
            return last
        if source in part.responses:
            return part.responses[source]
        if source in part.requests:
            assertion["direction"] = "request"
            return part.requests[source]
        if source in self.sources.fixtures:
            raise CannotBeSaid(f"it is about the fixture {source}, which no answer changes")
        raise CannotBeSaid(f'"{source}" is no answer of this test; put the assertion where it is received')


def told(part: Mapping[str, Any]) -> str:
    """Return what a part of a script is, in a few words: its label, or its first members."""
    for name in (*_TOLD, "name"):
        if part.get(name):
            return str(part[name])
    plain = [f"{name}={value}" for name, value in part.items() if not isinstance(value, dict | list)]
    return ", ".join(plain[:3]) or "-"


def _bare(action: Mapping[str, Any]) -> dict[str, Any]:
    """An action without what is for people."""
    return {name: value for name, value in action.items() if name not in _TOLD}
