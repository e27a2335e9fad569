"""The JSON Schema of the language, and its findings in words that a writer of test sets can act on."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any

from jsonschema import Draft202012Validator, ValidationError, validators
from jsonschema.protocols import Validator

from harness.suite.problem import Problem, nearest
from harness.suite.source import Document

Path = tuple[str | int, ...]

_KINDS = {
    "object": "keys and values",
    "array": "a list",
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "null": "nothing",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """A problem of structure, and the path of the value that cannot be used."""

    path: Path
    problem: Problem


@cache
def schema_text(name: str = "testset.schema.json", package: str = "harness.suite") -> str:
    """Return the JSON Schema (2020-12) of a file of ours as it is shipped in ``package``, for editors and people."""
    return files(package).joinpath(name).read_text(encoding="utf-8")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    """A pattern as JSON Schema means it (ECMA-262): ``$`` is the very end, not also the place before a last newline."""
    return re.compile(f"{pattern[:-1]}\\Z" if pattern.endswith("$") else pattern)


def _pattern(_: Validator, pattern: str, instance: Any, __: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not _compiled(pattern).search(instance):
        yield ValidationError(f"{instance!r} does not match {pattern}")


_extend: Any = validators.extend  # which has no types
_Strict = _extend(Draft202012Validator, {"pattern": _pattern})


@cache
def _validator(name: str, package: str) -> Validator:
    strict: Validator = _Strict(json.loads(schema_text(name, package)))
    return strict


def check(document: Document, name: str = "testset.schema.json", package: str = "harness.suite") -> list[Fault]:
    """Return every departure of ``document`` from the schema, in no order."""
    errors = list(_validator(name, package).iter_errors(document.value))
    unknown = {tuple(error.absolute_path) for error in errors if error.validator == "additionalProperties"}
    faults = []
    for error in errors:
        path = tuple(error.absolute_path)
        if error.validator in ("oneOf", "anyOf") and path in unknown:
            continue  # most likely the unknown key is the one that is missed
        faults += [Fault(path, problem) for problem in _problems(document, path, error)]
    return list({str(fault.problem): fault for fault in faults}.values())


def _problems(document: Document, path: Path, error: Any) -> Iterator[Problem]:
    schema: Mapping[str, Any] = error.schema if isinstance(error.schema, Mapping) else {}
    place = schema.get("title") or (f'"{path[-1]}"' if path and isinstance(path[-1], str) else "this value")
    if error.validator == "additionalProperties":
        known = schema.get("properties", {})
        for key in error.instance:
            if key not in known:
                location = document.at((*path, key), key=True)
                yield Problem("unknown-key", location, f'unknown key "{key}" in {place}{nearest(key, known)}')
    elif error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        message = schema.get("errorMessage") or f'{place} has no "{missing[0]}"'
        yield Problem("missing-key", document.at(path), message)
    elif "propertyNames" in error.absolute_schema_path:
        location = document.at((*path, error.instance), key=True)
        yield Problem("name", location, f'the name "{error.instance}" will not do: {schema.get("errorMessage")}')
    else:
        message = schema.get("errorMessage") or _message(error, schema)
        yield Problem("value", document.at(path), f"{_where(path, error.validator)}{message}{_found(error.instance)}")


def _where(path: Path, rule: str) -> str:
    if rule in ("oneOf", "anyOf"):
        return ""  # their messages name what they are about
    name = next((segment for segment in reversed(path) if isinstance(segment, str)), None)
    return f"{name}: " if name else ""


def _message(error: Any, schema: Mapping[str, Any]) -> str:
    wanted = error.validator_value
    match error.validator:
        case "type":
            kinds = [wanted] if isinstance(wanted, str) else wanted
            return "must be " + " or ".join(_KINDS[kind] for kind in kinds)
        case "enum":
            words = ["nothing" if word is None else str(word) for word in wanted]
            hint = nearest(error.instance, words) if isinstance(error.instance, str) else ""
            return f"must be one of {', '.join(words)}{hint}"
        case "minItems" | "minProperties" | "minLength":
            return "must not be empty"
        case "uniqueItems":
            return "holds something twice"
        case "minimum" | "maximum":
            return f"must be from {schema.get('minimum', '…')} to {schema.get('maximum', '…')}"
        case "maxLength":
            return f"must have at most {wanted} characters"
        case _:
            return f"breaks the rule {error.validator} of the schema"


def _found(value: Any) -> str:
    if isinstance(value, (Mapping, list)):
        return ""
    if isinstance(value, bool) or value is None:
        return f" (found {json.dumps(value)})"
    shown = f"the number {value}; put quotes around a text" if isinstance(value, (int, Decimal)) else f'"{value}"'
    return f" (found {shown[:80]})"
