"""What loads and yet is wrong: a test that proves nothing, a name that nobody uses, a text that was not translated."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from harness.suite.catalogue import Catalogue
from harness.suite.expressions import references
from harness.suite.model import Expectation, Location, Step, Test, TestSet, Text
from harness.suite.names import fhirpath_names
from harness.suite.problem import Problem
from harness.suite.steps import as_list

_BASE = "base"
"""``conforms: base``: the type alone."""
_CONFORMS_TO = re.compile(r"conformsTo\('([^']+)'\)")
_LITERALS = re.compile(r"'(?:\\.|[^'\\])*'|@[\w:.+-]+|\b(?:true|false|and|or|xor|implies|not|in|contains|div|mod)\b")
"""What an expression may hold besides digits and signs and still look at nothing of the answer."""
_ANY_TEXT = frozenset({"//", "/.*/", "/^.*$/", "/^/", "/$/"})


def lint(catalogue: Catalogue, knows_profile: Callable[[str], bool] | None = None) -> list[Problem]:
    """Return what is wrong with the test sets, in their order; with ``knows_profile``, also profiles that it denies."""
    problems: list[Problem] = []
    for test_set in catalogue.test_sets:
        problems += _translation(test_set.title, Location(test_set.path, 1, 1), f'the set "{test_set.id}"')
        problems += _unused(test_set)
        for test in test_set.tests:
            problems += _test(test)
        if knows_profile is not None:
            problems += [
                Problem("profile", location, f'the profile "{url}" is not known; is its package under packages?')
                for url, location in profiles(test_set)
                if "${" not in url and url != _BASE and not knows_profile(url)
            ]
    return problems


def profiles(test_set: TestSet) -> Iterator[tuple[str, Location]]:
    """Yield each profile that a test set names, with its place; variables of the set are put in their place."""
    for step in _steps(test_set):
        for expectation in step.expect:
            named = as_list(expectation.value) if expectation.kind == "conforms" else []
            if expectation.kind in ("that", "searchset"):
                named = [url for part in _parts(expectation) for url in _CONFORMS_TO.findall(str(part))]
            yield from ((_in_place(str(url), test_set.variables), expectation.location) for url in named)
    for test in test_set.tests:
        if test.mutants is not None:
            yield _in_place(test.mutants.profile, test_set.variables), test.mutants.location


def _in_place(text: str, variables: Mapping[str, Any]) -> str:
    """Return ``text`` with the texts of variables that only the file decides in the place of their expressions."""
    for reference in references(text):
        path = reference.path[1:] if reference.root == "variables" else reference.path
        value = variables.get(str(path[0])) if len(path) == 1 else None
        if isinstance(value, str):
            text = text.replace(f"${{{reference.text}}}", _in_place(value, variables))
    return text


def _steps(test_set: TestSet) -> Iterator[Step]:
    yield from test_set.setup
    for test in test_set.tests:
        yield from test.steps


def _test(test: Test) -> Iterator[Problem]:
    name = f'the test "{test.id}"'
    yield from _translation(test.title, test.location, name)
    if not test.verifies:
        yield Problem("verifies", test.location, f"{name} verifies no requirement")
    if not test.mutants and not any(step.expect or _counts(step) for step in test.steps):
        yield Problem("no-check", test.location, f"{name} expects nothing, and so proves nothing")
    if test.control is None and _is_negative(test):
        yield Problem(
            "control", test.location, f"{name} only wants a refusal: name the control that shows it is earned"
        )
    for index, step in enumerate(test.steps):
        for expectation in step.expect:
            yield from _cannot_fail(expectation, index)
        if isinstance(step.target, Mapping) and "instruction" in step.target:
            yield from _translation(step.target["instruction"], step.location, "the instruction")
    yield from _unused_saves(test)
    yield from _identities(test)


def _counts(step: Step) -> bool:
    """Tell whether the step awaits a number of requests, none for instance: that is an expectation too."""
    return isinstance(step.target, Mapping) and "request" in step.target and "count" in step.target


def _identities(test: Test) -> Iterator[Problem]:
    """Callers that a candidate file may lack: where a test does not need them, it would be an error there."""
    for step in test.steps:
        named = {step.identity} if step.identity else set()
        named |= {
            str(reference.path[2])
            for value in _values(step)
            for reference in references(value)
            if reference.path[:2] == ("candidate", "identities") and len(reference.path) > 2
        }
        for name in sorted(named - {"default", "none"}):
            if f"identity({name})" not in test.needs:
                told = f'the identity "{name}" may not be in every candidate file: add needs: identity({name})'
                yield Problem("identity", step.location, told)


def _translation(text: Text, location: Location, name: str) -> Iterator[Problem]:
    if text["en"].strip().casefold() == text["fr"].strip().casefold():
        yield Problem("translation", location, f'{name} says the same in English and French: "{text["en"]}"')


def _is_negative(test: Test) -> bool:
    """Tell whether the test demands refusals only: what refuses everything would pass it."""
    demands = [_refusal(expectation) for step in test.steps for expectation in step.expect]
    wanted = [demand for demand in demands if demand is not None]
    return bool(wanted) and all(wanted)


def _refusal(expectation: Expectation) -> bool | None:
    """Tell whether the expectation wants a refusal; None when it does not say."""
    match expectation.kind:
        case "status":
            return all(str(status).startswith(("4", "5")) for status in as_list(expectation.value))
        case "outcome":
            severities = set(as_list(expectation.value.get("severity")))
            return True if severities and severities <= {"error", "fatal"} else None
        case _:
            return None


def _cannot_fail(expectation: Expectation, index: int) -> Iterator[Problem]:
    """Find what holds whatever is answered; ``index`` is the number of the step."""
    value = expectation.value
    match expectation.kind:
        case "status":
            always = {f"{digit}xx" for digit in range(1, 6)} <= {str(status) for status in as_list(value)}
        case "that":
            always = any(_is_constant(str(text)) for text in as_list(value))
        case "headers":
            always = any(text in _ANY_TEXT for text in value.values())
        case "content-type":
            always = value in _ANY_TEXT
        case "outcome":
            always = any(value.get(key) in _ANY_TEXT for key in ("diagnostics", "expression"))
        case "same-as":
            always = value.get("received") == index or value.get("only") == []
        case _:
            always = False
    if always:
        yield Problem("cannot-fail", expectation.location, f"{expectation.kind} holds whatever the candidate answers")


def _is_constant(text: str) -> bool:
    """Tell whether a FHIRPath expression holds literals alone, so that nothing of the answer can change it."""
    return not re.search(r"[A-Za-z_%$`]", _LITERALS.sub("", text))


def _named(values: Iterable[Any]) -> set[str]:
    """The names in use, each as ``root.name``; a name without a root counts for every root that it can mean."""
    used: set[str] = set()
    for value in values:
        for name in fhirpath_names(value) if isinstance(value, str) else ():
            used |= {f"variables.{name}", f"saved.{name}"}
        for reference in references(value):
            if reference.root in ("fixtures", "variables", "saved") and len(reference.path) > 1:
                used.add(f"{reference.root}.{reference.path[1]}")
            elif reference.root in ("fixtures", "variables", "saved"):
                used.add(reference.root)
            else:
                used |= {f"variables.{reference.root}", f"saved.{reference.root}"}
    return used


def _values(step: Step) -> list[Any]:
    conditions = [step.if_match, step.if_none_match, step.if_none_exist, step.identity]
    expected = [part for expectation in step.expect for part in _parts(expectation)]
    return [step.target, step.set, step.params, *step.params, step.headers, *conditions, *expected, *step.save.values()]


def _parts(expectation: Expectation) -> list[Any]:
    """The value of an expectation; its FHIRPath expressions one by one."""
    value = expectation.value
    if expectation.kind == "searchset":
        return [value, *as_list(value.get("every-match"))]
    return as_list(value) if expectation.kind == "that" else [value]


def _unused(test_set: TestSet) -> Iterator[Problem]:
    used = _named(
        [
            test_set.variables,
            *(value for step in _steps(test_set) for value in _values(step)),
            *(row for test in test_set.tests for row in test.each),
            *(test.mutants.of for test in test_set.tests if test.mutants),
            *(expectation.value for test in test_set.tests if test.mutants for expectation in test.mutants.expect),
        ]
    )
    for name, location in test_set.declared.items():
        root, _, short = name.partition(".")
        if name not in used and root not in used:
            kind = "fixture" if root == "fixtures" else "variable"
            yield Problem("unused", location, f'no test uses the {kind} "{short}"')


def _unused_saves(test: Test) -> Iterator[Problem]:
    for index, step in enumerate(test.steps):
        later = [value for following in test.steps[index + 1 :] for value in _values(following)]
        used = _named([*later, test.mutants.of if test.mutants else None])
        for name in step.save:
            if f"saved.{name}" not in used and "saved" not in used:
                yield Problem("unused", step.location, f'no later step uses "{name}", which this one saves')
