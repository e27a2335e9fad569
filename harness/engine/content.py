"""The body of an answer as JSON, or why it is none: nothing that parsers let pass and the specification does not."""

import json
from collections import Counter
from decimal import Decimal
from typing import Any

from harness.engine.wire import dumps

DEPTH = 150
"""How deep a resource may be nested. The specification sets no limit; whatever walks through it needs one."""


class NotJSON(ValueError):
    """The bytes are not JSON as FHIR has it (R4, json.html); the message says why."""


def parse(body: bytes) -> Any:
    """Return ``body`` as JSON, decimals exact. Raises NotJSON.

    It must be UTF-8 (RFC 8259, section 8.1), the names within one object unique (json.html#json), every text one that
    Unicode has, every number finite.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        raise NotJSON(f"it is not UTF-8 (byte {problem.start})") from problem
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unique)
    except RecursionError as problem:
        raise NotJSON(f"it is nested more than {DEPTH} levels deep") from problem
    except (ValueError, ArithmeticError) as problem:
        raise problem if isinstance(problem, NotJSON) else NotJSON(f"it is not JSON: {problem}") from problem
    if _deeper(value):
        raise NotJSON(f"it is nested more than {DEPTH} levels deep")
    if "\\u" in text:  # an escape can write half of a surrogate pair, which is no text
        try:
            dumps(value).encode("utf-8")
        except UnicodeEncodeError as problem:
            raise NotJSON("a text holds a lone surrogate, which is no character") from problem
    return value


def _refuse(constant: str) -> None:
    raise NotJSON(f"{constant} is no JSON value")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        counted = Counter(name for name, _ in pairs)
        twice = next(name for name, number in counted.items() if number > 1)
        raise NotJSON(f'the name "{twice[:80]}" stands twice in one object')
    return members


def _deeper(value: Any) -> bool:
    """Walk level by level, so that no depth can overflow the stack."""
    level = [value]
    for _ in range(DEPTH):
        level = [
            child
            for parent in level
            for child in (parent.values() if type(parent) is dict else parent if type(parent) is list else ())
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return False
    return True
