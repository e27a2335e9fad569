"""The values of a test set where a TestScript needs them: written out, or as variables of the script."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from harness.suite.expressions import Random, Reference, descend
from harness.suite.model import TestSet
from harness.suite.problem import ExpressionError
from harness.suite.testscript.comparison import literal
from harness.suite.testscript.loss import CannotBeSaid, Loss

_NAMED = re.compile(r"'(?:[^'\\]|\\.)*'|%`([^`]+)`|%(\w+)", re.DOTALL)
_EXPRESSION = re.compile(r"(?<!\$)\$\{([^{}]*)\}")


class Values:
    """Replaces ``${…}`` in one test, or in the set-up; what only a run knows becomes a variable of the script."""

    def __init__(self, test_set: TestSet, row: Mapping[str, Any], variables: dict[str, dict[str, Any]]) -> None:
        """``row`` is one of ``each``; ``variables`` are the script's by name, and grow."""
        self._set, self._row, self._variables = test_set, row, variables
        self.saved: dict[str, str] = {}
        """Name in the test set to name in the script."""

    def of(self, value: Any, place: str, lose: Callable[[Loss], None]) -> Any:
        """Return ``value`` without expressions other than those of a script: ``${name}``. Raises ExpressionError."""
        if isinstance(value, Mapping):
            return {name: self.of(member, place, lose) for name, member in value.items()}
        if isinstance(value, list | tuple):
            return [self.of(item, place, lose) for item in value]
        if not isinstance(value, str):
            return value
        whole = _EXPRESSION.fullmatch(value)
        if whole:
            return self._resolved(whole[1], place, lose)
        return _EXPRESSION.sub(lambda found: _text(self._resolved(found[1], place, lose)), value)

    def _resolved(self, text: str, place: str, lose: Callable[[Loss], None]) -> Any:
        reference = Reference.parse(text)
        root, path = reference.root, reference.path[1:]
        if root in ("fixtures", "variables", "each", "saved") and path:
            root_of, name, path = root, str(path[0]), path[1:]
        else:
            root_of, name = "", root
        if root_of in ("", "saved") and name in self.saved:
            if path:
                lose(Loss(place, f"${{{text}}}", "a script's variable is one value"))
            return f"${{{self.saved[name]}}}"
        if root_of in ("", "each") and name in self._row:
            return self.of(descend(reference, self._row[name], path), place, lose)
        if root_of in ("", "variables") and name in self._set.variables:
            value = self._set.variables[name]
            whole = _EXPRESSION.fullmatch(value) if isinstance(value, str) else None
            if whole and path:  # a part of what stands elsewhere, perhaps of what only a run knows
                return self._resolved(f"{whole[1]}.{'.'.join(map(str, path))}", place, lose)
            return descend(reference, self.of(value, place, lose), path)
        if root_of == "fixtures":
            return self.of(descend(reference, self._set.fixtures[name], path), place, lose)
        if root not in ("candidate", "time", "random"):
            raise ExpressionError(f"${{{text}}} is a value that no script can keep")
        if root == "candidate" and path[-1:] == ("identifier",):  # a script's variable is one value, and this is two
            return {part: self._variable(f"{text}.{part}", place, lose) for part in ("system", "value")}
        return self._variable(text, place, lose)

    def inlined(self, expression: str) -> str:
        """Return a FHIRPath expression with the set's constants, ``%name``, written out: a script has no such names.

        Raises CannotBeSaid where a name is of what only a run knows.
        """

        def written(found: re.Match[str]) -> str:
            value = self._set.variables.get(found[1] or found[2]) if found[1] or found[2] else None
            return literal(value) if isinstance(value, str) and "${" not in value else found[0]

        made = _NAMED.sub(written, expression)
        if "%" in made:
            raise CannotBeSaid(f"a script's FHIRPath has no %names: {expression}")
        return made

    def _variable(self, text: str, place: str, lose: Callable[[Loss], None]) -> str:
        """What only a run knows: the candidate's, the time, what is drawn."""
        name = variable_name(text)
        if name not in self._variables:
            variable: dict[str, Any] = {"name": name}
            if text.startswith("random."):
                drawn = Random(0, self._set.id).provide(Reference.parse(text).path[1:])
                variable["defaultValue"] = str(drawn)
                lose(Loss(place, f"${{{text}}}", "a script draws nothing: the value is always the same", True))
            else:
                variable["hint"] = f"fill in: {text}"
                lose(Loss(place, f"${{{text}}}", f'fill in the variable "{name}" before each run', True))
            self._variables[name] = variable
        return f"${{{name}}}"


def variable_name(text: str) -> str:
    """Return ``text`` as the name of a variable."""
    return re.sub(r"[^A-Za-z0-9-]+", "-", text).strip("-")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
