"""The values of a test set where a TestScript needs them: written out, or as variables of the script."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from harness.suite.expressions import Random, Reference, descend
from harness.suite.model import TestSet
from harness.suite.problem import ExpressionError
from harness.suite.testscript.loss import Loss

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
            inner = self.of(self._set.variables[name], place, lose)
            if isinstance(inner, str) and path:  # it stands for what only a run knows
                return self._variable(f"{inner[2:-1]}.{'.'.join(map(str, path))}", place, lose)
            return descend(reference, inner, path)
        if root_of == "fixtures":
            return self.of(descend(reference, self._set.fixtures[name], path), place, lose)
        if root not in ("candidate", "time", "random"):
            raise ExpressionError(f"${{{text}}} is a value that no script can keep")
        return self._variable(text, place, lose)

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
