"""Known mistakes of the published R4 definitions, and what they mean to say.

Expressions: FHIRPath gives an empty collection, not true, when a function of text meets an absent element, and so these
constraints would fail where their own words say that they hold. A comparison of dates of different precision is empty
too (FHIRPath N1 §6.2), although a period whose end is a whole year may start in it (R4 datatypes, Period.end); so is
one of quantities whose units do not compare.
Bindings: the vital signs profiles bind the units of components as required although their text, and R5, allow others
where none fits.
"""

from __future__ import annotations

_NAME = r"""[^\\s\\.,:;\\\'"\\/|?!@#$%&*()\\[\\]{}]{1,64}"""
_PATH = rf"{_NAME}(\\.{_NAME}(\\[x\\])?(\\:[^\\s\\.]+)?)*"
"""What eld-19 asks of the path of an element; the whole of it is meant."""

EXPRESSIONS = {
    f"path.matches('{_PATH}')": f"path.matches('^{_PATH}$')",
    "start.hasValue().not() or end.hasValue().not() or (start <= end)": (
        "start.hasValue().not() or end.hasValue().not() or (start <= end) or (start > end).empty()"
    ),
    "low.empty() or high.empty() or (low <= high)": (
        "low.empty() or high.empty() or (low <= high) or "
        "(low.value.exists() and high.value.exists() and (low > high).empty())"
    ),
    "probability is decimal implies (probability as decimal) <= 100": (
        "probability.empty() or (probability is decimal implies (probability as decimal) <= 100)"
    ),
    "fullUrl.contains('/_history/').not()": "fullUrl.empty() or fullUrl.contains('/_history/').not()",
    "($this as dateTime).toString().length() >= 8": "($this is dateTime) implies ($this.toString().length() >= 8)",
    "name.matches('[A-Z]([A-Za-z0-9_]){0,254}')": "name.empty() or name.matches('^[A-Z]([A-Za-z0-9_]){0,254}$')",
    "offset.empty() or (when.exists() and ((when in ('C' | 'CM' | 'CD' | 'CV')).not()))": (
        "offset.empty() or (when.exists() and when.select($this in ('C' | 'CM' | 'CD' | 'CV')).allFalse())"
    ),
    "enableWhen.count() > 2 implies enableBehavior.exists()": "enableWhen.count() >= 2 implies enableBehavior.exists()",
    (
        "(type = 'named-event' implies name.exists()) and (type = 'periodic' implies timing.exists()) and "
        "(type.startsWith('data-') implies data.exists())"
    ): (
        "type.empty() or ((type = 'named-event' implies name.exists()) and (type = 'periodic' implies timing.exists()) "
        "and (type.startsWith('data-') implies data.exists()))"
    ),
}
"""Published expression -> the expression that says what its ``human`` text says."""

FURTHER_CODES = {"http://hl7.org/fhir/ValueSet/mimetypes": frozenset({"xml", "json", "ttl"})}
"""Value set -> codes that the text of the specification allows beside it (CapabilityStatement.format)."""

FURTHER_CONTEXTS = {
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type": frozenset({"ElementDefinition.type"}),
    "http://hl7.org/fhir/StructureDefinition/structuredefinition-normative-version": frozenset(
        {"Resource", "ElementDefinition"}
    ),
    "http://hl7.org/fhir/StructureDefinition/regex": frozenset({"ElementDefinition.type"}),
}
"""Extension -> where the published definitions themselves use it, beside the context that it declares."""

BINDINGS = {"http://hl7.org/fhir/ValueSet/ucum-vitals-common": "extensible"}
"""Value set -> the strongest strength with which it is bound."""
