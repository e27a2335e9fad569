"""The body of an answer as JSON, or why it is none: nothing that parsers let pass and the specification does not."""

import json
from collections import Counter
from decimal import Decimal
from typing import Any

from harness.engine.wire import dumps
from harness.errors import HarnessError
from harness.json_faults import parser_fault

DEPTH = 150
"""How deep a resource may be nested. The specification sets no limit; whatever walks through it needs one."""


_TOO_DEEP = f"it is nested more than {DEPTH} levels deep", f"c'est imbriqué sur plus de {DEPTH} niveaux"


class NotJSON(HarnessError, ValueError):
    """The bytes are not JSON as FHIR has it (R4, json.html); the message says why."""


def parse(body: bytes) -> Any:
    """Return ``body`` as JSON, decimals exact. Raises NotJSON.

    It must be UTF-8 (RFC 8259, section 8.1), the names within one object unique (json.html#json), every text one that
    Unicode has, every number finite.
    """
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        at = problem.start
        raise NotJSON(f"it is not UTF-8 (byte {at})", f"ce n'est pas de l'UTF-8 (octet {at})") from problem
    try:
        value = json.loads(text, parse_float=Decimal, parse_constant=_refuse, object_pairs_hook=_unique)
    except RecursionError as problem:
        raise NotJSON(*_TOO_DEEP) from problem
    except (ValueError, ArithmeticError) as problem:
        raise problem if isinstance(problem, NotJSON) else _fault(problem) from problem
    if _deeper(value):
        raise NotJSON(*_TOO_DEEP)
    if "\\u" in text:  # an escape can write half of a surrogate pair, which is no text
        try:
            dumps(value).encode("utf-8")
        except UnicodeEncodeError as problem:
            raise NotJSON(
                "a text holds a lone surrogate, which is no character",
                "un texte contient la moitié d'une paire de substitution, qui n'est pas un caractère",
            ) from problem
    return value


def _fault(problem: Exception) -> NotJSON:
    """What the parser says; in French in words of ours, with the place."""
    said = f"it is not JSON: {problem}"
    if not isinstance(problem, json.JSONDecodeError):
        return NotJSON(said, "ce n'est pas du JSON")
    place = f"(ligne {problem.lineno}, colonne {problem.colno})"
    return NotJSON(said, f"ce n'est pas du JSON : {parser_fault(problem.msg)[1]} {place}")


def _refuse(constant: str) -> None:
    raise NotJSON(f"{constant} is no JSON value", f"{constant} n'est pas une valeur JSON")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        counted = Counter(name for name, _ in pairs)
        twice = next(name for name, number in counted.items() if number > 1)
        name = twice[:80]
        raise NotJSON(
            f'the name "{name}" stands twice in one object', f"le nom « {name} » figure deux fois dans un objet"
        )
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
