"""Changes to one value: format, fixed and pattern, binding, bounds, references, and the data types' own rules."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from harness.fhir.primitives import PRIMITIVES, exact_decimal
from harness.validation.assertions.attachment import AttachmentRule
from harness.validation.assertions.binding import RULES as BINDING_RULES
from harness.validation.assertions.binding import Binding
from harness.validation.assertions.coding import CodingRule
from harness.validation.assertions.extension import ExtensionRule
from harness.validation.assertions.fixed import Fixed
from harness.validation.assertions.identifier import IdentifierRule
from harness.validation.assertions.limits import Bound, MaxLength
from harness.validation.assertions.narrative import Narrative
from harness.validation.assertions.pattern import Pattern
from harness.validation.assertions.reference import ReferenceRule
from harness.validation.generation import words
from harness.validation.generation.breach import Breach, Proposal
from harness.validation.generation.choices import Seeded
from harness.validation.generation.paths import ABSENT, Path
from harness.validation.generation.walk import Spot

_NOT = "not-in-any-list"
_NOWHERE = "https://exemple.example/CodeSystem/not-in-any-list"
_BAD: Mapping[str, tuple[Any, ...]] = {
    "base64Binary": ("***",),
    "boolean": ("true",),
    "canonical": ("not a canonical",),
    "code": (" not a code ", "two  spaces"),
    "date": ("2024-13-41", "yesterday"),
    "dateTime": ("2024-13-41", "yesterday"),
    "decimal": ("seventy",),
    "id": ("not an id",),
    "instant": ("2024-02-30", "yesterday"),
    "integer": (1.5,),
    "oid": ("urn:oid:x",),
    "positiveInt": (0, -1),
    "time": ("25:61:00",),
    "unsignedInt": (-1,),
    "uri": ("not a uri",),
    "url": ("not a url",),
    "uuid": ("urn:uuid:x",),
}
"""Values outside the format; any text type may also be empty, which is outside all formats."""


def of_value(spot: Spot, seed: str) -> Iterator[Breach]:
    """Yield what may be broken in the value of ``spot`` alone."""
    if spot.element.type in (*PRIMITIVES, "xhtml"):
        yield from _primitive(spot)
    for assertion in spot.element.assertions:
        for kind, make in _MAKERS.items():
            if isinstance(assertion, kind):
                yield from make(spot, assertion, seed)


def _at(spot: Spot, values: Sequence[Any]) -> list[Proposal]:
    return [((spot.path, value),) for value in values]


def _member(spot: Spot, changes: Sequence[Mapping[str, Any]]) -> list[Proposal]:
    """Each a change of some members of the value."""
    return [tuple(((*spot.path, key), value) for key, value in change.items()) for change in changes]


def _primitive(spot: Spot) -> Iterator[Breach]:
    name = spot.element.type
    if name in PRIMITIVES:
        wrong = [value for value in (*_BAD.get(name, ()), "") if PRIMITIVES[name].check(value) not in (None, "type")]
        if wrong:
            yield Breach("primitive-format", spot.name, spot.where, _at(spot, wrong), expected=name)
    other: Any = True if not isinstance(spot.value, bool) else "true"
    yield Breach("json-kind", spot.name, spot.where, _at(spot, [other]), expected=name)


def _variations(value: Any, seed: str) -> Iterator[Any]:
    """Other values of the same kind."""
    choices = Seeded(seed)
    match value:
        case bool():
            yield not value
        case int() | float():
            yield from (value + 1, value * 2 + 3)
        case str():
            yield from (value + "x", words.text(choices), words.uri(choices), words.uuid(choices))
        case dict():
            for key, member in value.items():
                for other in _variations(member, seed):
                    yield {**value, key: other}
                yield {name: kept for name, kept in value.items() if name != key}
        case list():
            for index, member in enumerate(value):
                for other in _variations(member, seed):
                    yield [*value[:index], other, *value[index + 1 :]]


def _other_values(spot: Spot, seed: str, rule: str, assertion: Fixed | Pattern) -> Breach:
    plain = [value for value in _variations(spot.value, seed) if value not in ({}, [], "")]
    wrong = [value for value in plain if not assertion.matches(value)]
    where, origin = spot.where, assertion.origin.element
    return Breach(rule, spot.name, where, _at(spot, wrong), definition=origin, expected=assertion.expected)


def _fixed(spot: Spot, assertion: Fixed, seed: str) -> Iterator[Breach]:
    yield _other_values(spot, seed, "fixed-value", assertion)


def _pattern(spot: Spot, assertion: Pattern, seed: str) -> Iterator[Breach]:
    yield _other_values(spot, seed, "pattern", assertion)


def _binding(spot: Spot, binding: Binding, _seed: str) -> Iterator[Breach]:
    if binding.strength not in ("required", "maximum"):
        return
    value, origin = spot.value, binding.origin.element
    rule = BINDING_RULES[binding.strength]

    def breach(name: str, proposals: list[Proposal]) -> Breach:
        return Breach(name, spot.name, spot.where, proposals, definition=origin, expected=binding.value_set)

    if isinstance(value, str):
        yield breach(rule, _at(spot, [_NOT, "xx", "application/x-not-in-any-list", words.uri(Seeded(_seed))]))
        return
    nowhere = {"system": _NOWHERE, "code": _NOT}
    if spot.element.type == "CodeableConcept":
        codings = value.get("coding") or []
        elsewhere = [[nowhere], *([{**coding, "code": _NOT}] for coding in codings), [*codings[1:], nowhere]]
        yield breach(rule, [(((*spot.path, "coding"), [*one, *codings[len(one) :]]),) for one in elsewhere])
        if binding.strength == "required":
            yield breach("binding-no-code", _at(spot, [{"text": "sans code"}]))
        return
    yield breach(rule, _member(spot, [nowhere, {"code": _NOT}, {"system": _NOWHERE}]))
    if binding.strength == "required" and spot.element.type == "Coding":
        yield breach("binding-no-code", _at(spot, [{"display": "sans code"}]))


def _bound(spot: Spot, bound: Bound, _seed: str) -> Iterator[Breach]:
    number = exact_decimal(bound.bound)
    if number is not None:
        beyond = number + bound.sign
        values: list[Any] = [int(beyond) if beyond == int(beyond) else float(beyond)]
    else:
        values = ["2999-12-31", "2999-12-31T00:00:00Z"] if bound.sign > 0 else ["1800-01-01", "1800-01-01T00:00:00Z"]
    rule, origin = "max-value" if bound.sign > 0 else "min-value", bound.origin.element
    yield Breach(rule, spot.name, spot.where, _at(spot, values), definition=origin, expected=bound.bound)


def _length(spot: Spot, limit: MaxLength, _seed: str) -> Iterator[Breach]:
    if isinstance(spot.value, str):
        longer = spot.value + "x" * (limit.limit + 1 - len(spot.value))
        yield Breach(
            "max-length",
            spot.name,
            spot.where,
            _at(spot, [longer]),
            definition=limit.origin.element,
            expected=limit.limit,
        )


def _reference(spot: Spot, rule: ReferenceRule, _seed: str) -> Iterator[Breach]:
    if not isinstance(spot.value.get("reference"), str):
        return
    judge, text = spot.element.judge, spot.value["reference"]

    def breach(name: str, texts: Sequence[str], expected: Any = None) -> Breach:
        changes = [{"reference": value, **({"type": ABSENT} if "type" in spot.value else {})} for value in texts]
        own = rule.origin.element if expected else None
        return Breach(name, spot.name, spot.where, _member(spot, changes), definition=own, expected=expected)

    fitting = rule.targets and not any(judge.target_type(t) in ("Resource", "DomainResource") for t in rule.targets)
    if fitting:
        others = [n for n in ("Medication", "Basic", "Patient", "Location") if not _allowed(spot, rule, n)]
        expected = " | ".join(dict.fromkeys(judge.target_type(t) for t in rule.targets))
        yield breach("reference-target-type", [f"{name}/1" for name in others], expected)
    if (named := judge.referenced_type(spot.value)) is not None and not text.startswith("#"):
        mismatch = _member(spot, [{"type": "Basic" if named != "Basic" else "Patient"}])
        yield Breach("reference-type-mismatch", spot.name, spot.where, mismatch)
    yield breach("reference-contained", ["#nobody"])
    yield breach("reference-whitespace", [text + " x"])
    if rule.aggregation:
        moved = ["#c1"] if "contained" not in rule.aggregation else ["Patient/1", "Practitioner/1", "Organization/1"]
        yield breach("reference-aggregation", moved, " | ".join(rule.aggregation))


def _allowed(spot: Spot, rule: ReferenceRule, name: str) -> bool:
    return any(spot.element.judge.target_fits(target, name) for target in rule.targets)


def _coding(spot: Spot, _rule: CodingRule, _seed: str) -> Iterator[Breach]:
    system = spot.value.get("system")
    if not isinstance(system, str) or not isinstance(spot.value.get("code"), str):
        return
    if spot.element.judge.code_system(system) is not None:
        others = _member(spot, [{"code": _NOT, "display": ABSENT}, {"code": _NOT}])
        yield Breach("code-unknown", spot.name, spot.where, others, expected=system)
        yield Breach("display-wrong", spot.name, spot.where, _member(spot, [{"display": "un autre libellé"}]))
    yield Breach("coding-system-relative", spot.name, spot.where, _member(spot, [{"system": "relative/system"}]))


def _identifier(spot: Spot, _rule: IdentifierRule, _seed: str) -> Iterator[Breach]:
    if "system" in spot.value:
        relative = _member(spot, [{"system": "relative/system"}])
        yield Breach("identifier-system-relative", spot.name, spot.where, relative)
    plain = _member(spot, [{"system": "urn:ietf:rfc:3986", "value": "plain text"}])
    yield Breach("identifier-not-uri", spot.name, spot.where, plain)


def _attachment(spot: Spot, _rule: AttachmentRule, _seed: str) -> Iterator[Breach]:
    others = _member(spot, [{"size": 1_000_003}, {"size": 1_000_003, "data": "ZXNzYWk="}])
    yield Breach("attachment-size", spot.name, spot.where, others)
    if "hash" in spot.value:
        yield Breach("attachment-hash-form", spot.name, spot.where, _member(spot, [{"hash": "ZXNzYWk="}]))


def _narrative(spot: Spot, _rule: Narrative, _seed: str) -> Iterator[Breach]:
    script = words.XHTML.replace("<p>", "<script>alert(1)</script><p>")
    yield Breach("xhtml", spot.name, spot.where, _at(spot, [script]))


def _extension(spot: Spot, _rule: ExtensionRule, _seed: str) -> Iterator[Breach]:
    value = spot.value
    holder: Path = spot.path
    yield Breach("extension-url", spot.name, spot.where, [(((*holder, "url"), ABSENT),)])
    unknown, versioned = "https://exemple.example/StructureDefinition/unknown", f"{value.get('url')}|9.9.9"
    yield Breach("extension-unknown", spot.name, spot.where, _member(spot, [{"url": unknown}]))
    yield Breach("extension-url-version", spot.name, spot.where, _member(spot, [{"url": versioned}]))
    if "extension" in value:
        proposals = _member(spot, [{"valueString": "en trop"}])
    else:
        proposals = [tuple(((*holder, key), ABSENT) for key in value if key.startswith("value"))]
    yield Breach("invariant", spot.name, spot.where, proposals, constraint="ext-1")


_MAKERS: Mapping[type, Callable[[Spot, Any, str], Iterator[Breach]]] = {
    Fixed: _fixed,
    Pattern: _pattern,
    Binding: _binding,
    Bound: _bound,
    MaxLength: _length,
    ReferenceRule: _reference,
    CodingRule: _coding,
    IdentifierRule: _identifier,
    AttachmentRule: _attachment,
    Narrative: _narrative,
    ExtensionRule: _extension,
}
