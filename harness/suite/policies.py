"""The choices that specifications leave open: their names, what a candidate file may choose, and what that changes.

The table is ``policies.yaml`` beside this module. Each ambiguity of the requirement catalogue either has a policy here
or is settled, with the reason why no choice of a candidate could change what a test demands.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from harness.suite.model import Text
from harness.suite.problem import nearest
from harness.suite.source import read_yaml

FREE = "x-"
"""How the names of a user's own choices begin; nothing is known about them."""
_FILE = "policies.yaml"
_NEED = re.compile(r"policy\((?P<name>[^()=]+)=(?P<values>[^()=]+)\)")


@dataclass(frozen=True, slots=True)
class Value:
    """One value that a policy can have."""

    value: Any
    says: Text
    means: Mapping[str, Any] = field(default_factory=dict)
    """What test sets read as ``${candidate.means.<policy>.<name>}``."""


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """One choice: either a list of ``values``, or a text with a ``pattern``, or a number from ``low`` to ``high``."""

    name: str
    ambiguity: str
    title: Text
    changes: str
    default: Any
    values: tuple[Value, ...] = ()
    pattern: str = ""
    low: float | None = None
    high: float | None = None

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of this policy in a candidate file."""
        told = {"description": f"{self.title['en']} ({self.ambiguity}). {self.changes}", "default": self.default}
        if self.values:
            return {**told, "enum": [one.value for one in self.values]}
        if self.pattern:
            return {**told, "type": "string", "pattern": self.pattern}
        return {**told, "type": "number", "minimum": self.low, "maximum": self.high}

    def fault(self, value: Any) -> str:
        """Return why ``value`` cannot be chosen, with the nearest that can; empty when it can."""
        if self.values:
            allowed = [one.value for one in self.values]
            if any(type(value) is type(one) and value == one for one in allowed):
                return ""
            known = [spelled(one) for one in allowed]
            return f"must be one of {', '.join(known)}, found {spelled(value)}{nearest(spelled(value), known)}"
        if self.pattern:
            matches = isinstance(value, str) and re.search(self.pattern, value)
            return "" if matches else f"must match {self.pattern}, found {spelled(value)}"
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        inside = number and (self.low or 0) <= value <= (self.high or 0)
        return "" if inside else f"must be a number from {self.low} to {self.high}, found {spelled(value)}"

    def says(self, value: Any) -> Text:
        """Return ``value`` in words; empty ones where it needs none."""
        return next((one.says for one in self.values if one.value == value), {"en": "", "fr": ""})

    def meaning(self, value: Any) -> Mapping[str, Any]:
        """Return what test sets read as ``${candidate.means.…}`` where ``value`` was chosen."""
        return next((one.means for one in self.values if one.value == value), {})


@dataclass(frozen=True, slots=True)
class Policies:
    """All choices by name, and the ambiguities that leave none, each with the reason."""

    by_name: Mapping[str, PolicyRule]
    settled: Mapping[str, str]

    def effective(self, chosen: Mapping[str, Any]) -> dict[str, Any]:
        """Return the value of every policy: that of ``chosen``, or the default; a user's own come last."""
        known = {name: chosen.get(name, rule.default) for name, rule in self.by_name.items()}
        return {**known, **{name: value for name, value in chosen.items() if name not in known}}

    def meanings(self, effective: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
        """Return what ``${candidate.means.…}`` reads: policy to names and values."""
        found = {name: rule.meaning(effective[name]) for name, rule in self.by_name.items() if name in effective}
        return {name: means for name, means in found.items() if means}

    def faults(self, chosen: Mapping[str, Any]) -> dict[str, str]:
        """Return what is wrong with the policies of a candidate file, by name."""
        found = {}
        for name, value in chosen.items():
            if name in self.by_name:
                fault = self.by_name[name].fault(value)
            elif name.startswith(FREE):
                fault = ""
            else:
                hint = nearest(name, self.by_name) or f"; known are {', '.join(self.by_name)}"
                fault = f"there is no policy of this name{hint} (names of your own begin with {FREE})"
            if fault:
                found[name] = fault
        return found

    def fault_of_need(self, need: str) -> str:
        """Return what is wrong with ``policy(name=value)`` in the ``needs`` of a test; empty for every other need."""
        found = _NEED.fullmatch(need)
        if found is None or found["name"].startswith(FREE) or "${" in need:
            return ""
        rule = self.by_name.get(found["name"])
        if rule is None:
            return f'there is no policy "{found["name"]}"{nearest(found["name"], self.by_name)}'
        known = [spelled(one.value) for one in rule.values]
        wrong = [value for value in found["values"].split("|") if known and value not in known]
        hint = nearest(wrong[0], known) if wrong else ""
        return f'{rule.name} is never "{wrong[0]}", only {", ".join(known)}{hint}' if wrong else ""

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of ``policy`` in a candidate file, for editors."""
        return {
            "type": "object",
            "description": "Choices that the specifications leave open: ${candidate.policy.name} in test sets.",
            "additionalProperties": False,
            "patternProperties": {f"^{FREE}": {}},
            "properties": {name: rule.schema() for name, rule in self.by_name.items()},
        }


def spelled(value: Any) -> str:
    """Return a policy's value as YAML spells it: ``true``, ``405``, ``page``."""
    return str(value).lower() if isinstance(value, bool) else str(value)


@cache
def policies() -> Policies:
    """Return the choices that came with the harness."""
    content: Any = read_yaml(Path(__file__).with_name(_FILE).read_bytes(), _FILE).value
    rules = {}
    for name, entry in content["policies"].items():
        values = tuple(Value(**one) for one in entry.get("values", ()))
        default = float(entry["default"]) if isinstance(entry["default"], Decimal) else entry["default"]
        rules[name] = PolicyRule(name=name, **{**entry, "values": values, "default": default})
    return Policies(rules, content["settled"])
