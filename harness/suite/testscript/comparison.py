"""A comparison of a TestScript as FHIRPath, and read back from it.

The values of a script are texts: what an expression gives is compared as text, but for numbers and dates in order.
"""

import re
from collections.abc import Callable, Sequence

from harness.suite.testscript.loss import CannotBeSaid

PLACEHOLDER = re.compile(r"\$\{([^{}]+)\}")
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d(?:-\d\d(?:T\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?)?)?", re.ASCII)
_SIGNS = {"greaterThan": ">", "lessThan": "<"}
_LITERAL = r"'(?:\\.|[^'\\])*'"
_NAMED = r"%`[^`]+`\.toString\(\)"
_WRITTEN = re.compile(
    rf"\((?P<expression>.*)\)\.select\(toString\(\)\) (?P<sign>=|!=) "
    rf"(?P<value>(?:{_LITERAL}|{_NAMED})(?: & (?:{_LITERAL}|{_NAMED}))*)",
    re.DOTALL,
)
_TERM = re.compile(rf"({_LITERAL})|%`([^`]+)`")


def comparison(expression: str, operator: str, value: str) -> str:
    """Return FHIRPath that is true when ``expression operator value`` holds; ``${name}`` in ``value`` is ``%name``.

    Raises CannotBeSaid.
    """
    told = f"({expression}).select(toString())"
    if operator in _SIGNS:
        return f"({expression}) {_SIGNS[operator]} {_ordered(operator, value)}"
    if operator in ("in", "notIn"):
        options = " | ".join(_text(one.strip()) for one in value.split(","))
        return f"{told} in ({options})" if operator == "in" else f"({told} in ({options})).not()"
    writers: dict[str, Callable[[str], str]] = {
        "equals": lambda text: f"{told} = {text}",
        "notEquals": lambda text: f"{told} != {text}",
        "contains": lambda text: f"{told}.contains({text})",
        "notContains": lambda text: f"{told}.contains({text}).not()",
    }
    if operator not in writers:
        raise CannotBeSaid(f"the operator {operator} is none of FHIR's for a value")
    if value in ("true", "false") and operator == "equals":
        return f"({expression}) = {value}"
    return writers[operator](_text(value))


def same_values(expression: str, values: Sequence[str]) -> list[str]:
    """Return FHIRPath that together says that ``expression`` gives these texts, in this order."""
    if len(values) == 1:
        return [f"({expression}).select(toString()) = {literal(values[0])}"]
    each = [f"({expression})[{index}].toString() = {literal(value)}" for index, value in enumerate(values)]
    return [f"({expression}).count() = {len(values)}", *each]


def read_back(text: str) -> tuple[str, str, str] | None:
    """Return expression, operator and value (with ``${name}``) of what :func:`comparison` wrote, or None."""
    found = _WRITTEN.fullmatch(text)
    if found is None or not _balanced(found["expression"]):
        return None
    value = "".join(
        f"${{{term[2]}}}" if term[2] else re.sub(r"\\(.)", r"\1", term[1][1:-1], flags=re.DOTALL)
        for term in _TERM.finditer(found["value"])
    )
    return found["expression"], "equals" if found["sign"] == "=" else "notEquals", value


def literal(text: str) -> str:
    """Return ``text`` as a string of FHIRPath."""
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _text(value: str) -> str:
    """A text with placeholders as FHIRPath: what a variable holds never becomes part of the expression itself."""
    terms, end = [], 0
    for found in PLACEHOLDER.finditer(value):
        terms += [literal(value[end : found.start()])] if found.start() > end else []
        terms.append(f"%`{found[1]}`.toString()")
        end = found.end()
    terms += [literal(value[end:])] if end < len(value) or not terms else []
    return " & ".join(terms)


def _ordered(operator: str, value: str) -> str:
    variable = PLACEHOLDER.fullmatch(value)
    if variable:
        return f"%`{variable[1]}`.toDecimal()"
    if _NUMBER.fullmatch(value):
        return value
    if _DATE.fullmatch(value):
        return f"@{value}"
    raise CannotBeSaid(f"the operator {operator} with {value}, which is no number and no date; write it as FHIRPath")


def _balanced(text: str) -> bool:
    depth = 0
    for char in re.sub(_LITERAL, "''", text):
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return False
    return depth == 0
