"""Tests and steps of a document that keeps to the schema: the rules that a schema cannot say, and the model objects."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.errors import FHIRPathError
from harness.fhir.fhirpath import compile_expression
from harness.suite.expressions import Reference, Template, descend
from harness.suite.model import Expectation, Interaction, Level, Mutants, Side, Step, Test, Until
from harness.suite.names import Names, placeheld
from harness.suite.paths import apply, parse_path
from harness.suite.patterns import pattern
from harness.suite.policies import policies
from harness.suite.problem import ExpressionError, Problem
from harness.suite.source import Document

Path = tuple[str | int, ...]

ALL_PAGES = 50

_INTERACTIONS = {interaction.value: interaction for interaction in Interaction}
_SENDING = frozenset(
    {
        Interaction.CREATE,
        Interaction.UPDATE,
        Interaction.TRANSACTION,
        Interaction.BATCH,
        Interaction.OPERATION,
        Interaction.REQUEST,
    }
)
_ALLOWED: Mapping[str, frozenset[Interaction]] = {
    "set": _SENDING,
    "remove": _SENDING,
    "pages": frozenset({Interaction.SEARCH, Interaction.HISTORY, Interaction.REQUEST}),
    "if-none-exist": frozenset({Interaction.CREATE}),
    **dict.fromkeys(
        ("params", "headers", "if-none-match", "format", "until"), frozenset(Interaction) - {Interaction.AWAIT}
    ),
    "if-match": frozenset({Interaction.UPDATE, Interaction.PATCH, Interaction.DELETE, Interaction.REQUEST}),
}
"""Keys that only some interactions have (FHIR R4, http.html)."""

_HEADER = re.compile(r"header\.[!#$%&'*+^_`|~0-9A-Za-z-]+(\.(id|version|type))?")
_REGEX_KEYS = (
    *((key,) for key in ("headers", "params", "url", "content-type")),
    *(("outcome", key) for key in ("diagnostics", "expression")),
)
_AWAITED = tuple(("await", "request", key) for key in ("method", "path", "params", "headers"))
_ABOUT = frozenset({"level", "of"})
"""Keys of a block of expectations that are none."""
_OF_REQUESTS = frozenset({"params", "url"})
_OF_ANSWERS = frozenset({"status", "outcome", "searchset", "within"})
"""Expectations that a request cannot meet: of a step that awaits, they judge what it was answered."""
_OF_OURS = frozenset({"headers", "params", "url", "content-type", "type", "that"})
"""Expectations that what the harness itself sent can be judged by."""
_FHIRPATH_KEYS = (("that",), ("searchset", "every-match"))


def as_list(value: Any) -> list[Any]:
    """Return ``value`` when it is a list, nothing for None, else a list of it: for keys that take one or several."""
    if value is None:
        return []
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _sent_fixture(target: Any, names: Names) -> Any:
    """Return the fixture that ``target`` is, when that is all that it is, else None."""
    text = target if isinstance(target, str) else ""
    name = text.removeprefix("${fixtures.").removesuffix("}")
    resource = names.fixtures.get(name) if text == f"${{fixtures.{name}}}" else None
    return resource if isinstance(resource, Mapping) else None


def _put(value: Any, names: Names) -> Any:
    """Return what ``set`` puts where it puts ``value``: a Template for what only a run knows."""
    template = Template.parse(value) if isinstance(value, str) and "${" in value else None
    if template is None:
        return value
    match template.parts:
        case (Reference() as reference,) if reference.root == "fixtures":
            return descend(reference, names.fixtures, reference.path[1:])
        case (Reference(),):
            return template
        case _:
            return value


def reading(reader: "StepReader", path: Path, content: Mapping[str, Any], names: Names) -> Test:
    """Return the test at ``path``; what is wrong with it goes to the reader's problems."""
    level: Level = content.get("level", "SHALL")
    rows = content.get("each", [])
    for index, row in enumerate(rows):
        reader.expressions((*path, "each", index), row, names)
    names = names.with_rows(rows)
    reader.needs((*path, "needs"), content.get("needs"), names)
    steps, names = reader.steps((*path, "steps"), names, level)
    return Test(
        id=content["id"],
        title=content["title"],
        location=reader.document.at(path),
        verifies=tuple(content.get("verifies", ())),
        steps=steps,
        needs=tuple(as_list(content.get("needs"))),
        control=content.get("control"),
        depends=tuple(as_list(content.get("depends"))),
        serial=content.get("serial", False),
        each=tuple(rows),
        tags=tuple(content.get("tags", ())),
        level=level,
        mutants=reader.mutants((*path, "mutants"), content.get("mutants"), names, level),
    )


class StepReader:
    """Reads steps of one document, and adds what is wrong with them to ``problems``."""

    def __init__(self, document: Document, problems: list[Problem], sound: Callable[[Path], bool]) -> None:
        self.document = document
        self._problems = problems
        self._sound = sound

    def _fault(self, code: str, path: Path, message: str, *, key: bool = False) -> None:
        self._problems.append(Problem(code, self.document.at(path, key=key), message))

    def _at(self, path: Path) -> Any:
        value = self.document.value
        for segment in path:
            listed = isinstance(value, list) and isinstance(segment, int)
            if not listed and not (isinstance(value, dict) and segment in value):
                return None
            value = value[segment]
        return value

    def steps(self, path: Path, names: Names, level: Level) -> tuple[tuple[Step, ...], Names]:
        """Return the steps of the list at ``path``, and the names that are known after them."""
        content = self._at(path)
        if not isinstance(content, list):
            return (), names
        steps = []
        for index, step in enumerate(content):
            here = (*path, index)
            if self._sound(here):
                steps.append(self._step(here, step, names, level, index))
            if isinstance(step, dict) and isinstance(step.get("save"), dict):
                names = names.with_saved(*step["save"])
        return tuple(steps), names

    def needs(self, path: Path, value: Any, names: Names) -> None:
        """Look at the expressions and policies that the needs of a test name."""
        self.expressions(path, value, names)
        for index, need in enumerate(as_list(value)):
            fault = policies().fault_of_need(need)
            if fault:
                self._fault("policy", (*path, index) if isinstance(value, list) else path, f"{need}: {fault}")

    def expressions(self, path: Path, value: Any, names: Names) -> None:
        """Look at every expression in ``value``, which stands at ``path``."""
        if isinstance(value, Mapping):
            for key, member in value.items():
                self.expressions((*path, key), member, names)
        elif isinstance(value, list):
            for index, member in enumerate(value):
                self.expressions((*path, index), member, names)
        else:
            for message in names.faults(value):
                self._fault("expression", path, message)

    def _step(self, path: Path, content: Mapping[str, Any], names: Names, level: Level, index: int) -> Step:
        interaction = next(_INTERACTIONS[key] for key in content if key in _INTERACTIONS)
        for key, allowed in _ALLOWED.items():
            if key in content and interaction not in allowed:
                having = ", ".join(sorted(allowed))
                self._fault(
                    "key", (*path, key), f"{key} has no meaning for {interaction}; it goes with {having}", key=True
                )
        self.expressions(path, content, names)
        for name in content.get("params", {}):
            for message in names.faults(name):
                self._fault("expression", (*path, "params", name), message, key=True)
        self._changes(path, content, interaction, names)
        self._saves((*path, "save"), content.get("save", {}), names, awaiting=interaction is Interaction.AWAIT)
        until = content.get("until")
        if until and "expect" not in content:
            self._fault(
                "until", (*path, "until"), "until repeats a step until its expectations hold: it needs expect", key=True
            )
        pages = content.get("pages", 1)
        target = content[interaction]
        expected = (*path, "expect")
        default: Side = "answer"
        blocks = as_list(content.get("expect"))
        if interaction is not Interaction.AWAIT and blocks and all(one.get("of") == "request" for one in blocks):
            self._fault("no-check", expected, "expect judges what the harness sends, and nothing of the answer")
        if interaction is Interaction.AWAIT:
            default = "request"
            if self._at(("candidate",)) != "client":
                self._fault("key", (*path, interaction), "await is for sets with candidate: client", key=True)
            for keys in _AWAITED:
                self._patterns((*path, *keys))
        return Step(
            interaction=interaction,
            target="" if target is None and interaction is Interaction.HISTORY else target,
            location=self.document.at(path),
            set=content.get("set", {}),
            remove=tuple(content.get("remove", ())),
            params=content.get("params", {}),
            headers=content.get("headers", {}),
            if_match=content.get("if-match"),
            if_none_match=content.get("if-none-match"),
            if_none_exist=content.get("if-none-exist"),
            format=content.get("format", "json"),
            identity=content.get("as"),
            pages=ALL_PAGES if pages == "all" else pages,
            expect=tuple(self._expectations(expected, content.get("expect", {}), level, index, names, default=default)),
            save=content.get("save", {}),
            until=Until(until["attempts"], float(until.get("interval", 1))) if until else None,
        )

    def _changes(self, path: Path, content: Mapping[str, Any], interaction: Interaction, names: Names) -> None:
        """Look at the paths of ``set`` and ``remove``: on the fixture itself, where the step sends one."""
        changes, remove = content.get("set", {}), content.get("remove", [])
        resource = _sent_fixture(content[interaction], names)
        unknown: list[tuple[str | int, ...]] = []
        for key, items in (("remove", list(remove)), ("set", list(changes))):
            for index, item in enumerate(items):
                try:
                    place = parse_path(item)
                    if resource is None or any(place[: len(above)] == above for above in unknown):
                        continue
                    change = {item: _put(changes[item], names)} if key == "set" else {}
                    resource = apply(resource, change, [] if key == "set" else [item])
                    if isinstance(change.get(item), Template):
                        unknown.append(place)
                except ExpressionError as problem:
                    self._fault("path", (*path, key, item if key == "set" else index), str(problem), key=True)

    def _saves(self, path: Path, saves: Mapping[str, str], names: Names, *, awaiting: bool) -> None:
        for name, written in saves.items():
            source = written.removeprefix("answer.") if awaiting else written
            if awaiting and source.startswith("param."):
                continue
            if source.startswith("header."):
                if not _HEADER.fullmatch(placeheld(source)):
                    message = f"{source} names no header: write header.Name, or header.Location.id, .version or .type"
                    self._fault("save", (*path, name), message)
            elif source != "status":
                self._fhirpath((*path, name), source, names)

    def mutants(self, path: Path, content: Mapping[str, Any] | None, names: Names, level: Level) -> Mutants | None:
        """Return the mutants at ``path``, if there are any."""
        if content is None:
            return None
        self.expressions(path, content, names)
        return Mutants(
            of=content["of"],
            profile=content["profile"],
            send=_INTERACTIONS[content["send"]],
            expect=tuple(self._expectations((*path, "expect"), content["expect"], level, 0, names)),
            location=self.document.at(path),
        )

    def _expectations(
        self, path: Path, content: Any, level: Level, index: int, names: Names, *, default: Side = "answer"
    ) -> Iterator[Expectation]:
        blocks = (
            [((*path, at), block) for at, block in enumerate(content)]
            if isinstance(content, list)
            else [(path, content)]
        )
        for here, block in blocks:
            if block and not set(block) - _ABOUT:
                self._fault("no-check", here, "expect holds a level and nothing to judge")
            self._sides(here, block, default)
            self._values(here, index, names)
            for kind, value in block.items():
                if kind in _ABOUT:
                    continue
                of: Side = "answer" if kind in _OF_ANSWERS else block.get("of", default)
                own: Level = "SHOULD" if kind == "within" and level == "SHALL" else level
                yield Expectation(kind, value, block.get("level", own), self.document.at((*here, kind), key=True), of)

    def _sides(self, path: Path, block: Mapping[str, Any], default: Side) -> None:
        """Look at what a block is about, in a step that calls: the answer, or what was sent where it says so."""
        if default == "request":
            return
        ours = block.get("of") == "request"
        for key in sorted(set(block) - _ABOUT - _OF_OURS if ours else set(block) & _OF_REQUESTS):
            why = "is about an answer: leave of: request out" if ours else "is about a request: add of: request"
            self._fault("key", (*path, key), f"{key} {why}", key=True)

    def _values(self, path: Path, index: int, names: Names) -> None:
        """Look at the regular expressions, FHIRPath expressions and step numbers of one block of expectations."""
        for keys in _REGEX_KEYS:
            self._patterns((*path, *keys))
        for keys in _FHIRPATH_KEYS:
            value = self._at((*path, *keys))
            for at, text in enumerate(as_list(value)):
                self._fhirpath((*path, *keys, at) if isinstance(value, list) else (*path, *keys), text, names)
        for key in ("sent", "received"):
            wanted = self._at((*path, "same-as", key))
            if isinstance(wanted, int) and wanted > index:
                message = f"{key}: {wanted} is a later step; steps count from 0, and this one is {index}"
                self._fault("step", (*path, "same-as", key), message)

    def _patterns(self, path: Path) -> None:
        """Look at the regular expression at ``path``, or at those of the mapping there."""
        value = self._at(path)
        pairs = [((*path, name), text) for name, text in value.items()] if isinstance(value, dict) else []
        for here, text in pairs or [(path, value)]:
            self._regex(here, text)

    def _regex(self, path: Path, text: Any) -> None:
        try:
            if isinstance(text, str):
                pattern(placeheld(text))
        except ExpressionError as problem:
            self._fault("regex", path, str(problem))

    def _fhirpath(self, path: Path, text: str, names: Names) -> None:
        try:
            compile_expression(placeheld(text))
        except FHIRPathError as problem:
            self._fault("fhirpath", path, f"not FHIRPath: {problem}")
            return
        for message in names.fhirpath_faults(text):
            self._fault("expression", path, message)
