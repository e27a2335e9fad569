"""Seeded defects: named, realistic departures from the specifications, to prove that test sets detect them.

Each one is tied to the requirement whose violation it is, and takes hold of a seam: the server itself stays right.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal
from difflib import get_close_matches
from typing import Any

from harness.errors import UsageError
from harness.sandbox.call import Answer, Call
from harness.sandbox.codec import Resource
from harness.sandbox.policy import Policy
from harness.sandbox.routes import Route
from harness.sandbox.seams import Seams
from harness.sandbox.search.execute import Page
from harness.sandbox.search.query import Query
from harness.sandbox.store import Record
from harness.sandbox.unit import Change, Rule, Unit


@dataclass(frozen=True, slots=True)
class Defect:
    """One departure. ``requirement`` is the one that it violates; ``summary`` says what a client sees.

    ``policy`` replaces choices of the server, ``waives`` names rules that it then leaves out.
    """

    name: str
    requirement: str
    summary: str
    seams: Seams = field(default_factory=Seams)
    policy: Mapping[str, Any] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()
    waives: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Altered:
    """A rule that changes what is stored, as a careless server would."""

    alter: Callable[[Resource], Resource]

    def before(self, unit: Unit, change: Change) -> Change:  # noqa: ARG002 (the protocol's signature)
        """Store the altered resource."""
        return replace(change, after=self.alter(change.after))

    def deleting(self, unit: Unit, latest: Record) -> None:
        """Leave deletions alone."""


def _without(headers: Mapping[str, str], *names: str) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name not in names}


def _without_location(_: Call, __: Route, answer: Answer) -> Answer:
    return replace(answer, headers=_without(answer.headers, "Location"))


def _created_is_200(_: Call, __: Route, answer: Answer) -> Answer:
    return replace(answer, status=200) if answer.status == 201 else answer


def _strong_etag(_: Call, __: Route, answer: Answer) -> Answer:
    tag = answer.headers.get("ETag")
    return replace(answer, headers={**answer.headers, "ETag": tag.removeprefix("W/")}) if tag else answer


def _empty_errors(_: Call, __: Route, answer: Answer) -> Answer:
    return replace(answer, resource=None) if answer.status >= 400 else answer


def _octet_stream(_: Call, __: Route, answer: Answer) -> Answer:
    return replace(answer, media_type="application/octet-stream") if answer.raw is not None else answer


def _unknown_is_empty(call: Call, _: Route, answer: Answer) -> Answer:
    if answer.status == 404 and call.method == "GET":
        return Answer(200, resource={"resourceType": "Bundle", "type": "searchset", "total": 0})
    return answer


def _dropping(*names: str) -> Callable[[Call], Call]:
    return lambda call: replace(call, headers=_without(call.headers, *names))


def _form_ignored(call: Call) -> Call:
    return replace(call, body=b"") if call.path.endswith("/_search") else call


def _each_value(change: Callable[[str], str], kind: str) -> Callable[[Query], Query]:
    def alter(query: Query) -> Query:
        criteria = tuple(
            replace(item, values=tuple(change(value) for value in item.values)) if item.parameter.type == kind else item
            for item in query.criteria
        )
        return replace(query, criteria=criteria)

    return alter


def _unzoned(value: str) -> str:
    return value[:-6] + "Z" if "T" in value and value[-6] in "+- " else value


def _day_only(value: str) -> str:
    return value.partition("T")[0]


def _last_of_repeated(query: Query) -> Query:
    by_code = {(item.parameter.code, item.modifier): item for item in query.criteria}
    return replace(query, criteria=tuple(by_code.values()))


def _total_of_page(_: Query, page: Page) -> Page:
    return replace(page, total=len(page.matches))


def _total_with_includes(_: Query, page: Page) -> Page:
    return page if page.total is None else replace(page, total=page.total + len(page.included))


def _lost_at_page_end(_: Query, page: Page) -> Page:
    return replace(page, matches=page.matches[:-1]) if page.next else page


def _entries(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Call, dict[str, Any]], dict[str, Any]]:
    def alter(_: Call, bundle: dict[str, Any]) -> dict[str, Any]:
        return {**bundle, "entry": [change(entry) for entry in bundle["entry"]]} if "entry" in bundle else bundle

    return alter


def _self_claims_all(call: Call, bundle: dict[str, Any]) -> dict[str, Any]:
    asked = "&".join(f"{name}={value}" for name, value in call.query)
    link = [
        {**item, "url": f"{call.base}/{call.path}?{asked}"} if item["relation"] == "self" else item
        for item in bundle["link"]
    ]
    return {**bundle, "link": link}


def _rounded(value: Any) -> Any:
    if isinstance(value, Decimal):
        return value.quantize(Decimal(1))
    if isinstance(value, dict):
        return {key: _rounded(child) for key, child in value.items()}
    return [_rounded(child) for child in value] if isinstance(value, list) else value


def _without_extensions(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_extensions(child) for key, child in value.items() if key != "extension"}
    return [_without_extensions(child) for child in value] if isinstance(value, list) else value


def _seen_as(**seams: Any) -> Seams:
    return Seams(**{name: (function,) for name, function in seams.items()})


_ALL = (
    Defect("create-without-location", "FHIR-REST-008", "A create answers without Location.",
           _seen_as(answer=_without_location)),
    Defect("create-answers-200", "FHIR-REST-008", "A create answers 200 instead of 201.",
           _seen_as(answer=_created_is_200)),
    Defect("strong-etag", "FHIR-REST-009", "The ETag is strong: it has no W/.", _seen_as(answer=_strong_etag)),
    Defect("unknown-id-answers-200", "FHIR-REST-011", "A read of an unknown id answers 200.",
           _seen_as(answer=_unknown_is_empty)),
    Defect("if-match-ignored", "FHIR-REST-015", "If-Match is ignored: updates get lost.",
           _seen_as(request=_dropping("if-match"))),
    Defect("if-none-exist-ignored", "FHIR-REST-016", "If-None-Exist is ignored: duplicates appear.",
           _seen_as(request=_dropping("if-none-exist"))),
    Defect("prefer-ignored", "FHIR-REST-031", "Prefer is ignored.", _seen_as(request=_dropping("prefer"))),
    Defect("empty-errors", "FHIR-REST-020", "Errors have no OperationOutcome.", _seen_as(answer=_empty_errors)),
    Defect("invalid-accepted", "FHIR-REST-007", "What breaks a profile is stored.", policy={"validate": False}),
    Defect("post-search-ignores-form", "FHIR-REST-022", "POST _search ignores its body and returns everything.",
           _seen_as(request=_form_ignored)),
    Defect("token-system-ignored", "FHIR-REST-027", "A token search ignores the system.",
           _seen_as(search=_each_value(lambda value: value.rpartition("|")[2] or value, "token"))),
    Defect("date-zone-ignored", "FHIR-REST-028", "A date search ignores the time zone of the request.",
           _seen_as(search=_each_value(_unzoned, "date"))),
    Defect("date-day-only", "GAP-RDVS-003", "A date search compares days only.",
           _seen_as(search=_each_value(_day_only, "date"))),
    Defect("repeated-parameter-overrides", "GAP-SLOT-003", "Only the last of a repeated parameter is applied.",
           _seen_as(search=_last_of_repeated)),
    Defect("self-claims-ignored", "FHIR-REST-026", "The self link claims parameters that were ignored.",
           _seen_as(searchset=_self_claims_all)),
    Defect("search-mode-missing", "FHIR-REST-024", "Entries of a searchset have no search.mode.",
           _seen_as(searchset=_entries(lambda entry: _without(entry, "search")))),
    Defect("includes-as-matches", "GAP-SLOT-013", "Included resources are flagged as matches.",
           _seen_as(searchset=_entries(lambda entry: {**entry, "search": {"mode": "match"}}))),
    Defect("total-is-page-size", "MES-SEARCH-012", "The total counts one page.", _seen_as(found=_total_of_page)),
    Defect("total-counts-includes", "FHIR-REST-023", "The total counts included resources.",
           _seen_as(found=_total_with_includes)),
    Defect("page-loses-last", "FHIR-REST-029", "The last match of each page that has a next one is lost.",
           _seen_as(found=_lost_at_page_end)),
    Defect("decimals-rounded", "MES-MEASURE-032", "Decimals are rounded when stored.", rules=(Altered(_rounded),)),
    Defect("extensions-lost", "FRCORE-INS-013", "Extensions are lost when stored.",
           rules=(Altered(_without_extensions),)),
    Defect("slot-stays-free", "GAP-RDV-015", "A booked slot stays free, and can be booked again.",
           policy={"agenda": False}),
    Defect("binary-octet-stream", "PDSM-GET-003", "Every document is application/octet-stream.",
           _seen_as(answer=_octet_stream)),
    Defect("replacement-keeps-current", "PDSM-ADD-008", "A replaced document stays current.",
           policy={"documents": False}),
)  # fmt: skip

DEFECTS: Mapping[str, Defect] = {defect.name: defect for defect in _ALL}
"""All defects by name, for ``--list-defects``."""


def chosen(names: Iterable[str]) -> tuple[Defect, ...]:
    """The defects called ``names``. Raises UsageError with the nearest name for one that does not exist."""
    found = []
    for name in names:
        if name not in DEFECTS:
            near = get_close_matches(name, DEFECTS, 1)
            hint = f"did you mean '{near[0]}'?" if near else "see --list-defects."
            raise UsageError(f"--defect {name}: there is no such defect; {hint}")
        found.append(DEFECTS[name])
    return tuple(found)


def seeded(policy: Policy, defects: Iterable[Defect]) -> tuple[Policy, Seams, tuple[Rule, ...]]:
    """The policy with the choices of ``defects``, their seams joined, and their rules."""
    seams = Seams()
    rules: list[Rule] = []
    for defect in defects:
        policy = replace(policy, **{"waived": policy.waived | defect.waives, **defect.policy})
        joined = {item.name: getattr(seams, item.name) + getattr(defect.seams, item.name) for item in fields(Seams)}
        seams = Seams(**joined)
        rules += defect.rules
    return policy, seams, tuple(rules)
