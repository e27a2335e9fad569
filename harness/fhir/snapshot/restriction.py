"""What a differential may not say: more than its base allows (https://hl7.org/fhir/R4/profiling.html#limitations).

A profile narrows. Were one that widens followed, what breaks the base would pass for good.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.reason import Reason

_ANY = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})
_SYSTEM = "http://hl7.org/fhirpath/System."


def fault(
    base: Mapping[str, Any], derived: Mapping[str, Any], ancestors: Callable[[str], Iterable[str]]
) -> Reason | None:
    """Return what is wrong with ``derived`` as a restriction of the element ``base``; None when nothing is.

    ``ancestors`` gives a type's own code and the codes of the types that it specializes or constrains.
    """
    return _cardinality(base, derived) or _types(base, derived, ancestors) or _binding(base, derived)


def _cardinality(base: Mapping[str, Any], derived: Mapping[str, Any]) -> Reason | None:
    low, high = derived.get("min"), derived.get("max")
    if low is not None and (type(low) is not int or low < 0):
        return Reason(f"min is {low!r}, not a whole number.", f"min vaut {low!r}, qui n'est pas un nombre entier.")
    if high is not None and not (isinstance(high, str) and (high == "*" or (high.isascii() and high.isdigit()))):
        return Reason(
            f"max is {high!r}, neither a whole number in a string nor '*'.",
            f"max vaut {high!r}, qui n'est ni un nombre entier dans une chaîne ni « * ».",
        )
    if low is not None and low < base.get("min", 0):
        return Reason(
            f"min is {low}, but the base asks for {base['min']}.",
            f"min vaut {low}, alors que la base en exige {base['min']}.",
        )
    if high is not None and _more(high, str(base.get("max", "*"))):
        return Reason(
            f"max is {high}, but the base allows only {base['max']}.",
            f"max vaut {high}, alors que la base n'en admet que {base['max']}.",
        )
    least, most = low if low is not None else base.get("min", 0), str(high or base.get("max", "*"))
    if most != "*" and least > int(most):
        return Reason(
            f"min is {least} and max is {most}: nothing can be both.",
            f"min vaut {least} et max {most} : rien ne peut satisfaire les deux.",
        )
    return None


def _more(one: str, other: str) -> bool:
    return other != "*" and (one == "*" or int(one) > int(other))


def _types(
    base: Mapping[str, Any], derived: Mapping[str, Any], ancestors: Callable[[str], Iterable[str]]
) -> Reason | None:
    allowed = {entry.get("code", "") for entry in base.get("type", ())}
    if not allowed or allowed & _ANY or any(code.startswith(_SYSTEM) for code in allowed):
        return None
    for entry in derived.get("type", ()):
        code = entry.get("code", "")
        if allowed.isdisjoint(ancestors(code)):
            only = " | ".join(sorted(allowed))
            return Reason(
                f"its type is {code}, but the base allows only {only}.",
                f"son type est {code}, alors que la base n'admet que {only}.",
            )
    return None


def _binding(base: Mapping[str, Any], derived: Mapping[str, Any]) -> Reason | None:
    strength = derived.get("binding", {}).get("strength")
    if strength not in (None, "required") and base.get("binding", {}).get("strength") == "required":
        return Reason(
            f"its binding is {strength}, but that of the base is required.",
            f"son lien terminologique est {strength}, alors que celui de la base est required.",
        )
    return None
