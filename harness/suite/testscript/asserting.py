"""An assertion of a TestScript, where it needs more than itself: the step it is about, fixtures, other answers."""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from harness.suite.testscript.assertions import expectation
from harness.suite.testscript.comparison import comparison, same_values
from harness.suite.testscript.loss import CannotBeSaid
from harness.suite.testscript.operations import method_of
from harness.suite.testscript.parts import Made
from harness.suite.testscript.sources import Sources, checked, element

_LONGEST = 50
"""Values of a fixture that one assertion compares with, at most."""
_LINKS = "it wants the links first, last and next, as R4 says; a last page has no next, and fails (http.html#paging)"
_ABOUT = ("expression", "path", "headerField")


def blocks(
    assertion: Mapping[str, Any], made: Made, sources: Sources, profiles: Mapping[str, str]
) -> tuple[list[dict[str, Any]], str]:
    """Return the blocks of ``expect`` for an assertion on the step ``made``, and what they say otherwise, or nothing.

    Raises CannotBeSaid.
    """
    told = ""
    if "compareToSourceId" in assertion and "value" not in assertion:
        found, told = _compared(assertion, made, sources, profiles)
    elif "requestMethod" in assertion:
        raise CannotBeSaid(_method(assertion, made))
    elif "minimumId" in assertion:
        if sources.answer(str(assertion["minimumId"])) is made:
            raise CannotBeSaid("it compares an answer with itself")
        found = [{"same-as": {"value": sources.least(str(assertion["minimumId"])), "at-least": True}}]
    else:
        found = [expectation(sources.filled(dict(assertion)), profiles)]
        told = _LINKS if "navigationLinks" in assertion else ""
    for block in found:
        that = block.get("that", [])
        for expression in [that] if isinstance(that, str) else that:
            checked(expression)
    if assertion.get("warningOnly") is True:
        found = [{**({"of": block["of"]} if "of" in block else {}), "level": "SHOULD", **block} for block in found]
    return found, told


def _method(assertion: Mapping[str, Any], made: Made) -> str:
    """Why an assertion on the method is left out: a step has the one that FHIR gives its interaction."""
    method, wanted = method_of(made.content), str(assertion["requestMethod"]).upper()
    holds = (method == wanted) is (assertion.get("operator", "equals") == "equals")
    name = next(iter(made.content))
    return f"a {name} is a {method} by itself, so this {'always' if holds else 'never'} holds; nothing is left to judge"


def _compared(
    assertion: Mapping[str, Any], made: Made, sources: Sources, profiles: Mapping[str, str]
) -> tuple[list[dict[str, Any]], str]:
    """An element of the answer and one of a fixture, or of an answer before it.

    Of several nodes of a path the first counts, as XPath's string() has it; an expression gives all of its values.
    """
    source, assertion = str(assertion["compareToSourceId"]), sources.filled(dict(assertion))
    other = element(assertion, "compareToSource")
    if not assertion.get("compareToSourceExpression"):
        other += ".first()"
    told = ""
    if not any(name in assertion for name in _ABOUT):
        told = f"it names no element of the answer; {other} of the answer is compared with that of {source}"
        assertion = {**assertion, "expression": other}
    kept = {name: value for name, value in assertion.items() if not name.startswith("compareTo")}
    if source in sources.fixtures:
        return list(_with_fixture(kept, source, other, sources, profiles)), told
    before = sources.answer(source)
    if before is None:
        raise CannotBeSaid(f'"{source}" is neither a fixture that is at hand nor an answer before it')
    if before is made:
        return [_within(kept, other)], told
    name = sources.save(before, other, f"{source}-value")
    if "headerField" in kept or assertion.get("operator", "equals") != "equals":
        return [expectation({**kept, "value": f"${{{name}}}"}, profiles)], told
    return [{"that": f"({_own(kept)}).select(toString()) = %`{name}`.select(toString())"}], told


def _with_fixture(
    kept: Mapping[str, Any], source: str, other: str, sources: Sources, profiles: Mapping[str, str]
) -> Iterator[dict[str, Any]]:
    values = sources.values_of(source, other)
    if not values:
        raise CannotBeSaid(f"the fixture {source} has no {other}, so there is nothing to compare with")
    if any(isinstance(value, dict | list) for value in values) or len(values) > _LONGEST:
        raise CannotBeSaid(f"{other} of the fixture {source} is no short list of values; compare its elements")
    texts = [_text(value) for value in values]
    if any("${" in text for text in texts):
        raise CannotBeSaid(f"{other} of the fixture {source} holds ${{; write the value out")
    if "headerField" not in kept and kept.get("operator", "equals") == "equals":
        written = same_values(_own(kept), texts)
        yield {"that": written if len(written) > 1 else written[0]}
    elif len(texts) == 1 and "headerField" in kept:
        yield expectation({**kept, "value": texts[0]}, profiles)
    elif len(texts) == 1:
        yield {"that": comparison(_own(kept), str(kept["operator"]), texts[0])}
    else:
        raise CannotBeSaid(f"{other} has {len(texts)} values in the fixture {source}; write first() after it")


def _within(kept: Mapping[str, Any], other: str) -> dict[str, Any]:
    """Two elements of one answer."""
    if "headerField" in kept or kept.get("operator", "equals") != "equals":
        raise CannotBeSaid("it compares an answer with itself; write the comparison as one expression")
    own = _own(kept)
    if own == other:
        raise CannotBeSaid("it compares an answer with itself, so it cannot fail")
    return {"that": f"({own}).select(toString()) = ({other}).select(toString())"}


def _own(kept: Mapping[str, Any]) -> str:
    expression = element(kept)
    return expression if kept.get("expression") else f"{expression}.first()"


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, "f") if isinstance(value, Decimal) else str(value)
