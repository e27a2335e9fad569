"""What a header or an address must be like, as a value of ``expect``: exact, or a regular expression; and back."""

import re

from harness.suite.testscript.loss import CannotBeSaid

_OPTION = re.compile(r"(?:\\.|[^\\|])+", re.DOTALL)
_WORDS = ("present", "absent")
_SHAPES = {
    "contains": ("/", "/"),
    "notContains": ("/^(?!.*", ")/"),
    "notEquals": ("/^(?!", "$)/"),
    "in": ("/^(?:", ")$/"),
    "notIn": ("/^(?!(?:", ")$)/"),
}
"""What stands around the escaped text for each operator."""


def pattern(operator: str, value: str) -> str:
    """Return what ``expect`` writes for a text that ``operator`` (of a TestScript) relates to ``value``.

    Raises CannotBeSaid.
    """
    if operator == "equals":
        looks_otherwise = value in _WORDS or (len(value) > 2 and value.startswith("/") and value.endswith("/"))
        return f"/^{re.escape(value)}$/" if looks_otherwise else value
    if operator not in _SHAPES:
        raise CannotBeSaid(f"the operator {operator} on a text; write a regular expression: /…/")
    if "${" in value:
        raise CannotBeSaid(f"a value from ${{…}} with the operator {operator}; write a regular expression: /…/")
    before, after = _SHAPES[operator]
    options = [one.strip() for one in value.split(",") if one.strip()] if operator in ("in", "notIn") else [value]
    if not any(options):
        raise CannotBeSaid(f"the operator {operator} needs a value")
    return before + "|".join(re.escape(one) for one in options) + after


def read_back(text: str) -> tuple[str, str] | None:
    """Return operator and value of what :func:`pattern` wrote; None for any other regular expression."""
    if text in _WORDS:
        return ("notEmpty" if text == "present" else "empty"), ""
    if not (len(text) > 2 and text.startswith("/") and text.endswith("/")):
        return "equals", text
    exact = _unescaped(text[2:-2])
    if pattern("equals", exact) == text:
        return "equals", exact
    for operator, (before, after) in reversed(_SHAPES.items()):
        inner = text[len(before) : len(text) - len(after)]
        several = operator in ("in", "notIn")
        value = ",".join(map(_unescaped, _OPTION.findall(inner))) if several else _unescaped(inner)
        try:
            if pattern(operator, value) == text:
                return operator, value
        except CannotBeSaid:
            continue
    return None


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", r"\1", text, flags=re.DOTALL)
