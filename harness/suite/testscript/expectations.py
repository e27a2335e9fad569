"""An expectation of a test set as assertions of a TestScript."""

from collections.abc import Iterator, Mapping
from typing import Any

from harness.suite.testscript.loss import CannotBeSaid
from harness.suite.testscript.texts import read_back

Assertion = dict[str, Any]
_CLASSES = {
    "1xx": "100,101,102,103",
    "2xx": "200,201,202,203,204,205,206",
    "3xx": "300,301,302,303,304,305,307,308",
    "4xx": "400,401,403,404,405,406,409,410,412,413,415,422,428,429",
    "5xx": "500,501,502,503,504",
}
"""The codes of each class that HTTP and FHIR name: a script lists them."""
_BASE = "http://hl7.org/fhir/StructureDefinition/"


def assertions(kind: str, value: Any, profile_of: Mapping[str, str]) -> Iterator[Assertion]:
    """Yield the assertions of one key of ``expect``; ``profile_of`` gives the id of a profile by its URL.

    Raises CannotBeSaid.
    """
    if kind not in _BUILDERS:
        raise CannotBeSaid(f"a script has no word for {kind}")
    yield from _BUILDERS[kind](value, profile_of)


def profiles_of(kind: str, value: Any) -> list[str]:
    """Return the URLs of the profiles that an expectation names."""
    return [str(url) for url in _list(value) if url != "base"] if kind == "conforms" else []


def _list(value: Any) -> list[Any]:
    return list(value) if isinstance(value, list | tuple) else [value]


def _status(value: Any, _: Mapping[str, str]) -> Iterator[Assertion]:
    codes = ",".join(_CLASSES.get(str(code), str(code)) for code in _list(value))
    yield {"operator": "in" if "," in codes else "equals", "responseCode": codes}


def _headers(value: Any, _: Mapping[str, str]) -> Iterator[Assertion]:
    for name, wanted in value.items():
        operator, text = _related(wanted, f"header {name}")
        yield {"headerField": name, "operator": operator, **({"value": text} if text else {})}


def _content_type(value: Any, _: Mapping[str, str]) -> Iterator[Assertion]:
    operator, text = _related(str(value), "content-type")
    if "${" in text:
        raise CannotBeSaid(f"a script's contentType is a media type, and {text} is known in the run only")
    media = {"json": "application/fhir+json", "xml": "application/fhir+xml"}
    yield {"contentType": media.get(text, text), **({"operator": operator} if operator != "equals" else {})}


def _url(value: Any, _: Mapping[str, str]) -> Iterator[Assertion]:
    operator, text = _related(str(value), "url")
    yield {"requestURL": text, "operator": operator}


def _related(wanted: str, what: str) -> tuple[str, str]:
    found = read_back(wanted)
    if found is None:
        raise CannotBeSaid(f"a script has no regular expressions: {what}")
    return found


def _type(value: Any, _: Mapping[str, str]) -> Iterator[Assertion]:
    types = _list(value)
    if len(types) > 1:
        raise CannotBeSaid("a script asserts one resource type, not one of several")
    yield {"resource": types[0]}


def _conforms(value: Any, profile_of: Mapping[str, str]) -> Iterator[Assertion]:
    for url in _list(value):
        if url not in profile_of:
            raise CannotBeSaid("a script names the profile; base is any")
        yield {"validateProfileId": profile_of[url]}


def _that(value: Any, _: Mapping[str, str]) -> Iterator[Assertion]:
    yield from map(_true, map(str, _list(value)))


def _outcome(value: Any, _: Mapping[str, str]) -> Iterator[Assertion]:
    if set(value) - {"severity", "code"}:
        raise CannotBeSaid("of an outcome a script is given severity and code, and no patterns")
    parts = []
    for name, wanted in value.items():
        options = [f"{name} = '{one}'" for one in _list(wanted)]
        parts.append(f"({' or '.join(options)})" if len(options) > 1 else options[0])
    yield {"resource": "OperationOutcome"}
    yield _true(f"OperationOutcome.issue.where({' and '.join(parts)}).exists()")


def _searchset(value: Any, _: Mapping[str, str]) -> Iterator[Assertion]:
    """A searchset, how many match, and what is in it, by id: what it leaves out cannot be told page by page."""
    matched = "Bundle.entry.where(search.mode = 'match')"
    told = ["Bundle.type = 'searchset'"]
    for reference in _list(value.get("includes", [])):
        kind, _slash, identifier = str(reference).partition("/")
        told.append(f"Bundle.entry.resource.where(id = '{identifier}').ofType({kind}).exists()")
    if set(value) - {"includes", "matches", "every-match"}:
        raise CannotBeSaid(f"of a searchset: {', '.join(sorted(set(value) - {'includes', 'matches', 'every-match'}))}")
    if "matches" in value:
        bounds = value["matches"]
        if not isinstance(bounds, Mapping):
            bounds = {"min": bounds, "max": bounds}
        told += [f"{matched}.count() >= {bounds['min']}"] if "min" in bounds else []
        told += [f"{matched}.count() <= {bounds['max']}"] if "max" in bounds else []
    told += [f"{matched}.resource.all({expression})" for expression in _list(value.get("every-match", []))]
    yield from list(map(_true, told))  # all of it, or nothing


def _true(expression: str) -> Assertion:
    """A condition, by the operator that is made for it (http://hl7.org/fhir/assert-operator-codes).

    Raises CannotBeSaid.
    """
    if "%" in expression:
        raise CannotBeSaid(f"a script's FHIRPath has no %names: {expression}")
    return {"expression": expression, "operator": "eval"}


_BUILDERS = {
    "status": _status,
    "headers": _headers,
    "content-type": _content_type,
    "type": _type,
    "conforms": _conforms,
    "that": _that,
    "outcome": _outcome,
    "searchset": _searchset,
    "url": _url,
}
