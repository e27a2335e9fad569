"""A TestScript as a test set."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.errors import TestSetError, UsageError
from harness.suite.testscript.comparison import PLACEHOLDER
from harness.suite.testscript.loss import Loss
from harness.suite.testscript.naming import slug, unique
from harness.suite.testscript.parts import Made, Part, joined
from harness.suite.testscript.reading import NO_R4, ScriptReader, told
from harness.suite.testscript.shape import check_shape, newer
from harness.suite.testscript.sources import Resource

_GONE = ["2xx", 404, 410]
"""What a delete may answer that only makes sure that nothing is there."""
_FIXTURE = re.compile(r"\$\{fixtures\.([A-Za-z0-9_-]+)\}")


@dataclass(frozen=True)
class Imported:
    """What a script came to: the content of a test set's file, its fixtures by name, and what was left out."""

    test_set: dict[str, Any]
    fixtures: Mapping[str, Resource]
    losses: tuple[Loss, ...]


def import_testscript(
    script: Resource, find: Callable[[str], Resource | None], values: Mapping[str, str] | None = None
) -> Imported:
    """Return the test set that ``script``, a TestScript of R4, is.

    ``find`` reads the resource of a reference (None, or CannotBeSaid, where there is none); ``values`` are those of
    variables, by name, that a person gives. A fixture becomes a file, a variable of an answer a ``save``, an assertion
    an expectation. Where later tests use what earlier ones received or made, they become one test. Raises TestSetError
    for what is no script, or when nothing of it can be run, and UsageError for a value of no variable.
    """
    check_shape(script)
    reader = ScriptReader(script, find, values or {})
    unknown = sorted(set(values or {}) - set(reader.sources.variables))
    if unknown:
        known = ", ".join(reader.sources.variables) or "none"
        raise UsageError(f"the script has no variable {', '.join(unknown)}; its variables: {known}")
    return _Writer(script, reader).write()


class _Writer:
    """Puts the parts of a script together as a test set."""

    def __init__(self, script: Resource, reader: ScriptReader) -> None:
        self._script = script
        self._reader = reader

    def write(self) -> Imported:
        reader = self._reader
        self._systems()
        reader.read("setup", "setup", self._script.get("setup", {}))
        for number, test in enumerate(self._script.get("test", ()), 1):
            title = test.get("description") or test.get("name") or test.get("id") or f"Test {number}"
            reader.read(f"test {test.get('id') or test.get('name') or number}", str(title), test)
        setup, *tests = reader.parts
        tests = [one for one in self._joined(tests) if one.steps]
        if not tests:
            raise TestSetError("nothing of the script can be run:\n" + "\n".join(map(str, reader.losses)))
        self._prove_setup(setup)
        for one in tests:
            self._prove(one)
        self._teardown([setup, *tests])
        content = self._content(setup, tests)
        return Imported(content, self._fixtures(content), tuple(reader.losses))

    def _systems(self) -> None:
        """Tell what depends on several systems, or on what a server declares."""
        for name in newer(self._script):
            self._reader.lose(name, "the whole of it", NO_R4)
        required = [one for one in self._script.get("metadata", {}).get("capability", ()) if one.get("required")]
        if required:
            told = str(required[0].get("description") or "required")
            why = "a CapabilityStatement is named by its address only; write needs: Patient.update, … at the tests"
            self._reader.lose("metadata.capability", told, why)
        if len(self._script.get("destination", ())) > 1:
            count = len(self._script["destination"])
            why = "every request goes to the one candidate; run the set again with the --base-url of each other one"
            self._reader.lose("destination", f"{count} systems", why, kept=True)
        if self._script.get("origin"):
            why = "the harness sends the requests itself, and waits for no other system to send them"
            self._reader.lose("origin", f"{len(self._script['origin'])} systems", why, kept=True)

    def _joined(self, tests: list[Part]) -> list[Part]:
        """The tests, those as one that share answers, or single resources that one of them makes."""
        pairs = [(first - 1, last - 1) for first, last in self._reader.sources.shared]
        writer: dict[str, int] = {}
        for last, part in enumerate(tests):
            pairs += [(writer[one], last) for one in part.addressed(self._reader.sources.plain) if one in writer]
            for address in part.written():
                writer.setdefault(address, last)
        whole = joined(tests, pairs)
        if len(whole) < len(tests):
            names = {one.name for one in whole}
            for part in tests:
                if part.name not in names:
                    why = "it uses what an earlier test received or made, so both are one"
                    self._reader.lose(part.name, "being a test of its own", why, kept=True)
        made: set[str] = set()
        for part in whole:
            before = set(made)
            made |= part.makes()
            if part.lists() & before or ("*" in before and part.lists()):
                why = "what an earlier test created is deleted at the end of that test; create it in the set-up"
                self._reader.lose(part.name, "what earlier tests left there", why, kept=True)
        return whole

    def _prove_setup(self, setup: Part) -> None:
        """A step of a set-up must succeed here; but for a delete that makes sure that nothing is there."""
        for one in setup.steps:
            if one.judges_answer:
                continue
            if "delete" in one.content:
                one.expect({"status": _GONE})
            why = "it may answer 2xx, 404 or 410" if "delete" in one.content else "it must succeed, in a set-up"
            self._reader.lose("setup", f"{_shown(one)} without an assertion", why, kept=True)

    def _prove(self, part: Part) -> None:
        """A test that expects nothing proves nothing: then its steps are to succeed."""
        proven = any(one.judges_answer for one in part.steps)
        for one in part.steps:
            if not one.judges_answer and (not proven or "expect" in one.content):
                one.expect({"status": "2xx"})
                why = "it is expected to answer 2xx"
                self._reader.lose(part.name, f"{_shown(one)} without an assertion", why, kept=True)

    def _teardown(self, parts: list[Part]) -> None:
        """The harness deletes what a run created; what else a teardown does is left out."""
        made = {address for part in parts for address in part.written()}
        created = {name for part in parts for name, one in part.responses.items() if "create" in one.content}
        for number, action in enumerate(self._script.get("teardown", {}).get("action", ()), 1):
            operation = action.get("operation", {})
            place, what = f"teardown, action {number}", told(operation or action)
            if created & self._answers(operation) or self._reader.deleted(operation) in made:
                self._reader.lose(place, what, "the harness deletes it itself, if the run created it", kept=True)
            else:
                why = "the harness deletes what a run created, and nothing else; make it the last test"
                self._reader.lose(place, what, why)

    def _answers(self, operation: Mapping[str, Any]) -> set[str]:
        """The names of the answers whose resource an operation of the teardown deletes."""
        if operation.get("type", {}).get("code") != "delete":
            return set()
        named = PLACEHOLDER.findall(f"{operation.get('url', '')}{operation.get('params', '')}")
        variables = self._reader.sources.variables
        sources = {str(variables[name].get("sourceId")) for name in named if name in variables}
        return sources | {str(operation.get("targetId"))}

    def _content(self, setup: Part, tests: list[Part]) -> dict[str, Any]:
        name = slug(str(self._script.get("name") or self._script.get("id") or "testscript"))
        title = str(self._script.get("title") or self._script.get("name") or name)
        steps = [one.content for one in setup.steps]
        ids: set[str] = set()
        written = [
            {
                "id": unique(slug(part.name.removeprefix("test ")), ids),
                "title": _text(part.title),
                "steps": [one.content for one in part.steps],
            }
            for part in tests
        ]
        used = sorted(set(_FIXTURE.findall(str([steps, [one["steps"] for one in written]]))))
        constants = self._reader.sources.constants
        return {
            "testset": name,
            "version": "1.0.0",
            "title": _text(title),
            "candidate": "server",
            **({"fixtures": {key: f"{name}/{key}.json" for key in used}} if used else {}),
            **({"variables": dict(constants)} if constants else {}),
            **({"setup": steps} if steps else {}),
            "tests": written,
        }

    def _fixtures(self, content: Mapping[str, Any]) -> dict[str, Resource]:
        known = self._reader.sources.fixtures_by_name()
        return {name: known[name] for name in content.get("fixtures", {})}


def _shown(one: Made) -> str:
    return f"{next(iter(one.content))} {one.kind}".rstrip()


def _text(title: str) -> dict[str, str]:
    title = title.strip() or "-"
    return {"en": title, "fr": title}
