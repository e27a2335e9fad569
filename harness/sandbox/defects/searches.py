"""Defects of searches in general (FHIR R4, search)."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from harness.sandbox.call import Answer, Call
from harness.sandbox.defects.model import (
    Defect,
    Json,
    answering,
    asking,
    dropping,
    entries,
    links,
    listing,
    searching,
    values,
    without,
)
from harness.sandbox.seams import Seams
from harness.sandbox.search.execute import Page
from harness.sandbox.search.query import Query

_DATES = frozenset({"date", "birthdate", "start", "created", "creation", "period", "_lastUpdated"})
_DATE = re.compile(r"([a-z]{2})?\d{4}(-(0[1-9]|1[0-2])(-[0-3]\d(T.+)?)?)?")


def unzoned(value: str) -> str:
    """A time as if it were UTC."""
    return value[:-6] + "Z" if "T" in value and value[-6] in "+- " else value


def day(value: str) -> str:
    """A time without its time of the day."""
    return value.partition("T")[0]


def last_of_repeated(query: Query) -> Query:
    """Of a parameter that is repeated, the last one."""
    by_code = {(item.parameter.code, item.modifier): item for item in query.criteria}
    return replace(query, criteria=tuple(by_code.values()))


def any_of_repeated(query: Query) -> Query:
    """Repeated parameters are alternatives."""
    joined: dict[tuple[str, str], Any] = {}
    for item in query.criteria:
        before = joined.get((item.parameter.code, item.modifier))
        joined[item.parameter.code, item.modifier] = (
            replace(item, values=before.values + item.values) if before else item
        )
    return replace(query, criteria=tuple(joined.values()))


def each_value(change: Any) -> Any:
    """Change values one by one."""
    return lambda found: tuple(change(value) for value in found)


def finding(change: Any, *types: str) -> Seams:
    """Change the pages that queries on ``types`` give; none means all."""
    return Seams(found=(lambda query, page: change(query, page) if not types or query.type in types else page,))


def invalid_dates_left_out(call: Call) -> Call:
    """Dates that are none are left out of the query."""
    kept = [pair for pair in call.query if pair[0] not in _DATES or _DATE.fullmatch(pair[1])]
    return replace(call, query=tuple(kept))


def no_matches_is(status: int, *types: str) -> Seams:
    """A search that finds nothing answers ``status``."""

    def empty(answer: Answer) -> Answer:
        found = answer.resource or {}
        if found.get("type") != "searchset" or found.get("total") != 0:
            return answer
        issue = {"severity": "error", "code": "not-found", "diagnostics": "Nothing was found."}
        return Answer(status, resource={"resourceType": "OperationOutcome", "issue": [issue]})

    return answering(empty, *types, routes=("search-type",), statuses=(200,))


def invalid_is_empty(*types: str) -> Seams:
    """A search that is refused answers 200 with nothing."""
    nothing = {"resourceType": "Bundle", "type": "searchset", "total": 0, "link": [{"relation": "self", "url": "."}]}
    return answering(lambda _: Answer(200, resource=nothing), *types, routes=("search-type",), statuses=(400,))


def total_of_page(_: Query, page: Page) -> Page:
    """The total of one page."""
    return replace(page, total=len(page.matches))


def total_with_includes(_: Query, page: Page) -> Page:
    """The total with what comes along."""
    return page if page.total is None else replace(page, total=page.total + len(page.included))


def _lost_at_page_end(_: Query, page: Page) -> Page:
    return replace(page, matches=page.matches[:-1]) if page.next else page


def _self_claims_all(call: Call, bundle: Json) -> Json:
    asked = "&".join(f"{name}={value}" for name, value in call.query)
    return links(
        lambda link: {**link, "url": f"{call.base}/{call.path}?{asked}"} if link["relation"] == "self" else link
    )(call, bundle)


def endless(_: Call, bundle: Json) -> Json:
    """The next page is the same again."""
    own = next((link["url"] for link in bundle["link"] if link["relation"] == "self"), "")
    return links(lambda link: {**link, "url": own} if link["relation"] == "next" else link)(_, bundle)


def repeated(_: Call, bundle: Json) -> Json:
    """Each entry stands twice."""
    return {**bundle, "entry": [twice for entry in bundle["entry"] for twice in (entry, entry)]} if (
        "entry" in bundle
    ) else bundle  # fmt: skip


def _form_ignored(call: Call) -> Call:
    return replace(call, body=b"") if call.path.endswith("/_search") else call


def _created(answer: Answer) -> Answer:
    return replace(answer, status=201)


def _no_system(value: str) -> str:
    return value.rpartition("|")[2] or value


def _prefix(before: str, after: str) -> Any:
    return each_value(lambda value: after + value[2:] if value.startswith(before) else value)


SEARCHES = (
    Defect("post-search-ignores-form", "FHIR-REST-022", "POST _search ignores its body and returns everything.",
           Seams(request=(_form_ignored,))),
    Defect("post-search-creates", "FHIR-REST-022", "POST _search answers 201.",
           answering(_created, path="_search$", statuses=(200,))),
    Defect("searchset-is-a-collection", "FHIR-REST-023", "Searches answer a Bundle of type collection.",
           listing(lambda _, bundle: {**bundle, "type": "collection"})),
    Defect("total-counts-includes", "FHIR-REST-023", "The total counts included resources.",
           finding(total_with_includes)),
    Defect("entries-repeated", "FHIR-REST-023", "Each entry of a searchset stands twice.", listing(repeated)),
    Defect("search-mode-missing", "FHIR-REST-024", "Entries of a searchset have no search.mode.",
           listing(entries(lambda entry: without(entry, "search")))),
    Defect("no-match-is-404", "FHIR-REST-025", "A search without match answers 404.", no_matches_is(404)),
    Defect("invalid-value-gives-all", "FHIR-REST-025", "A date that is none is left out of a search.",
           Seams(request=(invalid_dates_left_out,))),
    Defect("self-claims-ignored", "FHIR-REST-026", "The self link claims parameters that were ignored.",
           listing(_self_claims_all)),
    Defect("strict-handling-ignored", "FHIR-REST-026", "Prefer: handling=strict is ignored.",
           asking(dropping("prefer"), "GET")),
    Defect("token-system-ignored", "FHIR-REST-027", "A token search ignores the system.",
           values(each_value(_no_system), "", kind="token")),
    Defect("later-alternatives-ignored", "FHIR-REST-027", "Of alternatives joined by commas, the first one counts.",
           values(lambda found: found[:1], "", kind="token")),
    Defect("date-zone-ignored", "FHIR-REST-028", "A date search ignores the time zone of the request.",
           values(each_value(unzoned), "", kind="date")),
    Defect("date-prefix-ignored", "FHIR-REST-028", "Dates are compared for equality, whatever their prefix.",
           values(each_value(lambda value: re.sub(r"^[a-z]{2}", "", value)), "", kind="date")),
    Defect("page-loses-last", "FHIR-REST-029", "The last match of each page that has a next one is lost.",
           finding(_lost_at_page_end)),
    Defect("next-page-is-the-same", "FHIR-REST-029", "The next link leads to the same page.", listing(endless)),
    Defect("next-link-missing", "FHIR-REST-029", "There is no next link.",
           listing(lambda _, bundle: {**bundle, "link": [one for one in bundle["link"] if one["relation"] != "next"]})),
    Defect("date-day-only", "GAP-RDVS-003", "A date search of appointments compares days only.",
           values(each_value(day), "^date", "Appointment", kind="date")),
    Defect("appointment-bounds-ored", "GAP-RDVS-003", "Two bounds of a date are alternatives.",
           searching(any_of_repeated, "Appointment")),
    Defect("gt-is-ge", "MES-SEARCH-008", "gt is taken for ge.",
           values(_prefix("gt", "ge"), "", "Observation", kind="date")),
    Defect("times-without-zone", "MES-SEARCH-008", "Times are compared as text, without their zones.",
           values(each_value(unzoned), "", "Observation", kind="date")),
)  # fmt: skip
