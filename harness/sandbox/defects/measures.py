"""Defects of health measures: the feed, the search, identity and consent, and the profiles."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from harness.sandbox.call import Answer
from harness.sandbox.defects.model import (
    Defect,
    Json,
    answering,
    blind,
    listing,
    searching,
    storing,
    telling,
    without,
)
from harness.sandbox.defects.searches import endless, finding, no_matches_is, total_of_page
from harness.sandbox.seams import Seams
from harness.sandbox.search.execute import Page
from harness.sandbox.search.query import Query


def _waiving(name: str, requirement: str, summary: str, *rules: str) -> Defect:
    return Defect(name, requirement, summary, waives=frozenset(rules))


def _status(status: int, before: int) -> Seams:
    return answering(lambda answer: replace(answer, status=status), statuses=(before,))


def _oldest(query: Query) -> Query:
    return replace(query, sort=tuple((parameter, False) for parameter, _ in query.sort))


def _doubled_devices(_: Query, page: Page) -> Page:
    return replace(page, included=page.included * 2)


def _room_for_devices(_: Query, page: Page) -> Page:
    return replace(page, matches=page.matches[: len(page.matches) - len(page.included)] or page.matches[:1])


def _no_devices(_: Query, page: Page) -> Page:
    return replace(page, included=())


def _links(change: Any) -> Seams:
    return listing(
        lambda _, bundle: {**bundle, "link": [
            {**one, "url": change(one["url"])} if one["relation"] == "next" else one for one in bundle["link"]
        ]},
        "Observation",
    )  # fmt: skip


def _without_parameter(name: str, once: bool = False) -> Any:
    def change(url: str) -> str:
        path, _, query = url.partition("?")
        parts = query.split("&")
        found = [part for part in parts if part.startswith(f"{name}=")]
        gone = found[-1:] if once else found
        return f"{path}?{'&'.join(part for part in parts if part not in gone)}"

    return change


def _always_next(_: Any, bundle: Json) -> Json:
    own = next((link for link in bundle["link"] if link["relation"] == "self"), None)
    named = {link["relation"] for link in bundle["link"]}
    if own is None or "next" in named or "previous" not in named:
        return bundle
    return {**bundle, "link": [*bundle["link"], {"relation": "next", "url": own["url"]}]}


def _own_only(_: Query, page: Page) -> Page:
    kept = [record for record in page.matches if "2.999.250.215" in str(record.resource.get("meta", {}).get("source"))]
    return replace(page, matches=tuple(kept), total=None if page.total is None else len(kept))


def _leaking(found: Json) -> Json:
    """Measures tell the internal id of the patient, and no profile."""
    subject = {**found.get("subject", {}), "reference": "Patient/4711"}
    return {**found, "subject": subject, "meta": without(found.get("meta", {}), "profile")}


def _searched(change: Any) -> Seams:
    return telling(
        lambda found: found if found.get("type") != "searchset" else {**found, "entry": [
            {**entry, "resource": change(entry["resource"])}
            if entry.get("resource", {}).get("resourceType") == "Observation" else entry
            for entry in found.get("entry", ())]},
        "Observation", routes=("search-type",), statuses=(200,))  # fmt: skip


def _codes(code: str) -> Seams:
    def alter(found: Json) -> Json:
        return {**found, "issue": [{**item, "code": code, "diagnostics": "Error."} for item in found["issue"]]}

    return telling(lambda found: alter(found) if "issue" in found else found, routes=("transaction",), statuses=(422,))


def _dangling(found: Json) -> Json:
    device = found.get("device", {})
    return {**found, "device": {**device, "reference": "Device/device-1"}} if "reference" in device else found


def _platform_source(found: Json) -> Json:
    return {**found, "meta": {**found.get("meta", {}), "source": "urn:oid:2.999.250.0"}}


def _recoded(found: Mapping[str, Any]) -> Json:
    """A glycaemia measure under the code of blood glucose."""
    codings = found.get("code", {}).get("coding", ())
    if not any(coding.get("code") in {"MED-969", "MED-972", "4548-4", "99504-3"} for coding in codings):
        return dict(found)
    return {**found, "code": {"coding": [{"system": "http://loinc.org", "code": "2345-7"}]}}


_FEED = (
    _waiving("several-devices-fed", "MES-MEASURE-003", "A feed may hold several Devices.", "feed-one-device"),
    _waiving("feed-of-any-kind", "MES-MEASURE-003", "A feed may hold no measure, or several.", "feed-one-observation"),
    _waiving("devices-duplicated", "MES-MEASURE-011", "Each feed makes its Device anew.", "device-once"),
    _waiving("any-source-prefix", "MES-MEASURE-016", "The source of a measure may be of anybody.", "feed-source"),
    Defect("any-measure-profile", "MES-MEASURE-020", "Of the profile of a measure only its presence counts.",
           blind("Observation"), waives=frozenset({"feed-family", "feed-kind"})),
    _waiving("other-entries-fed", "MES-ERR-004", "A feed may hold anything.", "feed-entry"),
    _waiving("device-without-condition", "MES-ERR-005", "A Device is accepted without its condition.",
             "feed-condition"),
    _waiving("device-alone-fed", "MES-ERR-006", "A feed of a Device alone is accepted.", "feed-one-observation"),
    _waiving("orphan-device-fed", "MES-ERR-007", "A Device that no measure refers to is stored.",
             "feed-device-reference"),
    _waiving("mismatched-device-fed", "MES-ERR-008", "A measure that refers to another Device is stored.",
             "feed-linked"),
    _waiving("measure-without-profile", "MES-ERR-009", "A measure without profile is stored.",
             "feed-observation-profile"),
    _waiving("source-of-others", "MES-ERR-010", "A measure of another vendor is stored.", "feed-source"),
    _waiving("measure-without-value", "MES-ERR-011", "A measure without value is stored.", "feed-value"),
    _waiving("body-mass-index-fed", "MES-ERR-012", "A body mass index is stored.", "feed-bmi"),
    Defect("measure-without-subject", "MES-ERR-013", "A measure without subject is stored.",
           waives=frozenset({"feed-subject", "feed-patient"}), policy={"computed_bmi": False}),
    _waiving("device-without-profile", "MES-ERR-018", "A Device without profile is stored.", "feed-device-profile"),
    _waiving("moment-optional", "MES-GLU-003", "The moment of a glycaemia is optional.", "glycaemia-moment-mandatory"),
    _waiving("days-on-blood-glucose", "MES-GLU-004", "A stray number of days is stored.",
             "glycaemia-numberOfDays-forbidden"),
    _waiving("extensions-on-hba1c", "MES-GLU-005", "HbA1c may have any extension.", "glycaemia-numberOfDays-forbidden",
             "glycaemia-moment-forbidden"),
    _waiving("days-optional", "MES-GLU-006", "The number of days is optional.", "glycaemia-numberOfDays-mandatory"),
    _waiving("moment-on-average", "MES-GLU-007", "An averaged measure may have a moment.",
             "glycaemia-moment-forbidden"),
    _waiving("days-of-index-optional", "MES-GLU-008", "The days of an index are optional.",
             "glycaemia-numberOfDays-mandatory"),
    _waiving("moment-on-index", "MES-GLU-009", "An index may have a moment.", "glycaemia-moment-forbidden"),
    _waiving("stray-days-ignored", "MES-ERR-015", "A stray number of days is ignored.",
             "glycaemia-numberOfDays-forbidden"),
    _waiving("stray-moment-ignored", "MES-ERR-016", "A stray moment is ignored.", "glycaemia-moment-forbidden"),
    Defect("empty-feed-is-422", "MES-ERR-001", "A feed without a Bundle answers 422.",
           answering(lambda answer: replace(answer, status=422), routes=("transaction",), statuses=(400,))),
    Defect("moment-error-of-another-code", "MES-ERR-014", "A missing moment is told under another code.",
           _codes("exception")),
    Defect("days-error-of-another-code", "MES-ERR-017", "Missing days are told under another code.",
           _codes("exception")),
    Defect("device-demanded", "MES-MEASURE-005", "A measure without Device is refused.",
           Seams(request=(lambda call: replace(call, body=b"{}") if call.method == "POST" and b'"Observation"' in
                          call.body and b'"transaction"' in call.body and b'"Device"' not in call.body else call,))),
    Defect("device-id-of-client", "MES-MEASURE-015", "A measure keeps the reference that the client wrote.",
           rules=storing(_dangling, "Observation"), policy={"references_on_write": False}),
    Defect("source-lost", "MES-MEASURE-017", "A measure shows the source of the platform.",
           rules=storing(_platform_source, "Observation")),
    Defect("device-must-come-first", "MES-MEASURE-030", "A Device that comes before its measure is refused.",
           Seams(request=(lambda call: replace(call, body=b"{}") if 0 < call.body.find(b'"resourceType":"Device"')
                          < call.body.find(b'"resourceType":"Observation"') else call,))),
)  # fmt: skip

_ACCESS = (
    _waiving("id-token-unchecked", "MES-AUTH-003", "The ID token is not checked.", "id-token"),
    Defect("wrong-token-is-403", "MES-AUTH-004", "A wrong access token is answered 403.", _status(403, 401)),
    Defect("wrong-id-token-is-401", "MES-AUTH-003", "A wrong ID token is answered 401.",
           answering(lambda answer: replace(answer, status=401) if "ID_TOKEN" in str(answer.resource) else answer,
                     statuses=(400,))),
    _waiving("written-for-another", "MES-AUTH-005", "A measure is written for the patient named in the body.",
             "feed-patient"),
    _waiving("read-of-another", "MES-AUTH-006", "Measures of another patient can be read.", "search-patient"),
    _waiving("write-consent-ignored", "MES-AUTH-007", "Measures are written without consent.", "consent-write"),
    _waiving("read-consent-ignored", "MES-AUTH-008", "Measures are read without consent.", "consent-read"),
    _waiving("any-solution", "MES-AUTH-009", "The OID of the ID token is trusted.", "token-oid"),
)  # fmt: skip

_SEARCH = (
    Defect("med-codes-refused", "MES-SEARCH-003", "Codes that are not LOINC's are refused.",
           Seams(request=(lambda call: replace(call, query=()) if any(
               name == "code" and "MED-" in value for name, value in call.query) else call,))),
    _waiving("bare-patient-searched", "MES-SEARCH-004", "A patient without system is searched.",
             "search-patient-system", "search-patient"),
    Defect("code-optional", "MES-SEARCH-002", "A search without code gives the weights.",
           Seams(request=(lambda call: replace(call, query=(*call.query, ("code", "29463-7"))) if call.path ==
                          "Observation" and call.method == "GET" and "code" not in dict(call.query) else call,))),
    _waiving("open-periods", "MES-SEARCH-006", "A period may be open.", "search-bounds"),
    Defect("first-page-only", "MES-SEARCH-007", "A search gives one measure.",
           finding(lambda _, page: replace(page, matches=page.matches[:1]), "Observation")),
    _waiving("last-in-any-order", "MES-SEARCH-009", "The last measure is given whatever the order asked.",
             "search-last"),
    Defect("last-inserted-given", "MES-SEARCH-010", "The oldest measure is given for the last.",
           searching(_oldest, "Observation")),
    Defect("no-measure-is-404", "MES-SEARCH-011", "A search without measures answers 404.",
           no_matches_is(404, "Observation")),
    Defect("total-is-page-size", "MES-SEARCH-012", "The total counts one page.", finding(total_of_page, "Observation")),
    Defect("ten-a-page", "MES-SEARCH-013", "A page has ten measures by default.", policy={"default_count": 10}),
    Defect("large-pages-refused", "MES-SEARCH-013", "Pages of a hundred are refused.", policy={"max_count": 50}),
    _waiving("any-page-size", "MES-SEARCH-014", "Any page size is honoured.", "search-page-size"),
    Defect("offset-ignored", "MES-SEARCH-015", "_offset is ignored: each page is the first one.",
           Seams(request=(lambda call: replace(call, query=tuple(
               pair for pair in call.query if pair[0] != "_offset" or pair[1] == "0")),))),
    Defect("next-on-last-page", "MES-SEARCH-016", "The last page has a next link.",
           listing(_always_next, "Observation")),
    Defect("next-lacks-bound", "MES-SEARCH-017", "The next link loses a bound of the period.",
           _links(_without_parameter("date", once=True))),
    Defect("next-lacks-include", "MES-SEARCH-017", "The next link loses the include.",
           _links(_without_parameter("_include"))),
    Defect("devices-repeated", "MES-SEARCH-018", "A Device comes twice.", finding(_doubled_devices, "Observation")),
    Defect("devices-left-out", "MES-SEARCH-018", "Devices do not come along.", finding(_no_devices, "Observation")),
    Defect("devices-take-room", "MES-SEARCH-019", "A page shrinks to make room for Devices.",
           finding(_room_for_devices, "Observation")),
    _waiving("oldest-as-last", "MES-SEARCH-020", "The last measure may be asked for in another order.", "search-last"),
    _waiving("both-modes-taken", "MES-SEARCH-021", "Both modes at once are taken.", "search-both-modes"),
    _waiving("no-mode-needed", "MES-SEARCH-022", "A search in no mode gives the whole history.", "search-mode",
             "search-bounds"),
    Defect("search-errors-empty", "MES-SEARCH-023", "A refused search has an empty body.",
           answering(lambda answer: Answer(answer.status), statuses=(400,), path="^Observation")),
    Defect("own-measures-only", "MES-SEARCH-024", "Only measures of the caller's solution are given.",
           finding(_own_only, "Observation")),
    Defect("no-computed-index", "MES-SEARCH-025", "No body mass index is computed.", policy={"computed_bmi": False}),
    Defect("internal-ids-told", "MES-SEARCH-026", "Measures tell internal ids, and no profile.", _searched(_leaking)),
    Defect("search-in-pages-of-one", "MES-SEARCH-016", "The next link is missing before the end.",
           listing(lambda _, bundle: {**bundle, "link": [one for one in bundle["link"] if one["relation"] != "next"]},
                   "Observation")),
    Defect("next-measures-again", "MES-SEARCH-016", "The next page gives the same measures.",
           listing(endless, "Observation")),
    Defect("measure-modes-missing", "MES-SEARCH-012", "The total counts Devices.",
           finding(lambda _, page: page if page.total is None else replace(
               page, total=page.total + len(page.included)), "Observation")),
)  # fmt: skip

_SPOTS = (
    ("several-profiles", "MES-PROFILE-001", "A height under another profile is stored.", r"bodyheight"),
    ("other-units-of-weight", "MES-PROFILE-002", "Weight, height and temperature in other units are stored.",
     r"Quantity\).* profile: \S*(height|temperature)"),
    ("other-units-of-heart-rate", "MES-PROFILE-003", "A heart rate in another unit is stored.", r"heartrate"),
    ("other-units-of-steps", "MES-PROFILE-004", "Steps in another unit are stored.", r"steps-by-day"),
    ("other-units-of-circumference", "MES-PROFILE-005", "A circumference in another unit is stored.", r"circumference"),
    ("other-units-of-pain", "MES-PROFILE-006", "Pain in another unit is stored.", r"pain-severity"),
    ("vague-dates", "MES-PROFILE-007", "A date less precise than a day is stored.", r"vs-1"),
    ("any-body-site", "MES-PROFILE-008", "Any site or method is stored.", r"Observation\.(bodySite|method)"),
    ("any-category-display", "MES-PROFILE-010", "A category under any display is stored.", r"display"),
    ("pressure-as-one-value", "MES-MEASURE-024", "A pressure as one value is stored.",
     r"-bp; definition: Observation\.value"),
    ("pressure-in-any-form", "MES-MEASURE-025", "A pressure of any form is stored.", r"observation-bp"),
    ("measure-profile-unchecked", "MES-MEASURE-020", "Profiles of measures are not enforced.", r"mesures/"),
    ("other-units-of-glucose", "MES-GLU-002", "Glycaemia in any unit is stored.", r"observation-glucose"),
    ("any-moment", "MES-GLU-011", "Any moment is stored.", r"observation-glucose", r"moment-of-measurement"),
    ("any-number-of-days", "MES-GLU-012", "Any number of days is stored.", r"number-of-days", r"observation-glucose"),
)  # fmt: skip

MEASURES = (
    *_FEED,
    *_ACCESS,
    *_SEARCH,
    *(Defect(name, rule, summary, blind(*patterns)) for name, rule, summary, *patterns in _SPOTS),
    Defect(
        "any-device-type",
        "MES-PROFILE-009",
        "A DeviceMetric is taken for a Device.",
        blind(r"Observation\.device"),
        policy={"references_on_write": False},
    ),
    Defect(
        "glycaemia-coded-alike",
        "MES-GLU-001",
        "All glycaemia measures come back under 2345-7.",
        rules=storing(_recoded, "Observation"),
    ),
)
