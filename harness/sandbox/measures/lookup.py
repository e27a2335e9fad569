"""The search of measures, in its two modes: "all" of a period, page by page, and the "last" one (§2.3 of the guide)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from harness.sandbox import codec
from harness.sandbox.call import Answer, Call, Caller
from harness.sandbox.measures.feed_rules import CODES
from harness.sandbox.measures.gate import MISMATCH
from harness.sandbox.policy import Policy
from harness.sandbox.problems import Problem, issue, operation_outcome
from harness.sandbox.search.execute import Page, run
from harness.sandbox.service import Service
from harness.sandbox.store import Record
from harness.sandbox.unit import Unit

Pairs = Sequence[tuple[str, str]]

_LOWER, _UPPER = ("ge", "gt"), ("le", "lt")
_INCLUDE = "Observation:device"
_KNOWN = frozenset({"code", "date", "_sort", "_count", "_offset", "_include", "_format", "_pretty"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """A search, understood: ``skipped`` measures come before its page, ``unit`` of them make an ``_offset`` of one.

    ``repeated`` are the criteria that each link carries.
    """

    code: str
    patient: str
    dates: tuple[str, ...]
    last: bool
    count: int
    skipped: int
    unit: int
    include: bool
    repeated: tuple[tuple[str, str], ...]
    ignored: tuple[str, ...]


def lookup(service: Service, call: Call, caller: Caller) -> Answer:
    """Answer ``GET Observation?…`` with a searchset. Raises :class:`Problem` (400, 403)."""
    wanted = understood(call.query, service.policy)
    if wanted.ignored and call.preference("handling") == "strict":
        raise Problem(400, "not-supported", f"{wanted.ignored[0]} is not a parameter of this search.")
    if service.policy.applies("search-patient") and wanted.patient.partition("|")[2] != caller.subject:
        raise Problem(403, "forbidden", MISMATCH)
    asked = [("code", wanted.code), ("subject:identifier", wanted.patient)]
    asked += [("date", bound) for bound in wanted.dates]
    asked.append(("_sort", "-date" if wanted.last else "date"))
    asked += [("_include", _INCLUDE)] if wanted.include else []
    query = service.env.queries.parse("Observation", asked)
    for change in service.seams.search:
        query = change(query)
    with service.store.reading() as session:
        unit = Unit(service.env, session, call)
        page = run(unit.session, query, call.base, wanted.count, wanted.skipped)
    if wanted.last:
        page = replace(page, total=len(page.matches))
    for narrow in service.seams.found:
        page = narrow(query, page)
    bundle = _bundle(call, wanted, page)
    for alter in service.seams.searchset:
        bundle = alter(call, bundle)
    return Answer(resource=bundle)


def understood(pairs: Pairs, policy: Policy) -> Wanted:
    """Read the query. Raises :class:`Problem` (400, code ``invalid``)."""
    patient_name = policy.patient_parameter
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    code = _code(values.get("code", []))
    patient = _patient(patient_name, values.get(patient_name, []), policy)
    count, offset = _whole(values, "_count", policy.default_count), _whole(values, "_offset", 0)
    if count < 1:
        raise _refusal("_count is 0; a page has at least one measure.")
    dates, sorts = values.get("date", []), values.get("_sort", [])
    paged = bool(dates) or "_offset" in values
    last = _mode(paged, sorts, "_count" in values, count, policy)
    if count > policy.max_count and policy.applies("search-page-size"):
        told = f"The page size is too large: at most {policy.max_count} measures a page, {count} were requested."
        raise _refusal(told)
    if not last:
        _bounds(dates, policy)
    include = _include(values.get("_include", []), policy)
    repeated = [("code", code), (patient_name, patient), *(("date", bound) for bound in dates)]
    repeated += [("_sort", sorts[0])] if last else []
    repeated.append(("_count", str(count)))
    repeated += [("_include", _INCLUDE)] if include else []
    ignored = tuple(name for name in values if name not in _KNOWN and name != patient_name)
    unit = count if policy.offset_unit == "page" else 1
    return Wanted(code, patient, tuple(dates), last, count, offset * unit, unit, include, tuple(repeated), ignored)


def _refusal(diagnostics: str) -> Problem:
    return Problem(400, "invalid", diagnostics)


def _code(given: list[str]) -> str:
    if len(given) != 1 or not given[0].strip():
        raise _refusal("The parameter code is mandatory, once: it names one kind of measure.")
    if given[0].rpartition("|")[2] not in CODES:
        raise _refusal(f"code={given[0]} is not a kind of measure that can be searched.")
    return given[0]


def _patient(name: str, given: list[str], policy: Policy) -> str:
    if len(given) != 1:
        raise _refusal(f"The parameter {name} is mandatory, once: {{OID}}|{{idPe}}.")
    system, bar, value = given[0].partition("|")
    if not (system and bar and value) and policy.applies("search-patient-system"):
        raise _refusal(f"{name}={given[0]}: write the system and the value, {{OID}}|{{idPe}}.")
    return given[0]


def _whole(values: dict[str, list[str]], name: str, otherwise: int) -> int:
    given = values.get(name, [])
    if not given:
        return otherwise
    if len(given) > 1 or not given[0].isascii() or not given[0].isdigit() or len(given[0]) > 6:
        raise _refusal(f"{name}={','.join(given)}: write one whole number.")
    return int(given[0])


def _mode(paged: bool, sorts: list[str], counted: bool, count: int, policy: Policy) -> bool:
    """True for the mode "last". Raises :class:`Problem` for both modes, none, or one that is incomplete."""
    if not sorts and not paged and policy.applies("search-mode"):
        raise _refusal("No search mode was detected: give two date bounds, or _sort=-date and _count=1.")
    if not sorts:
        return False
    if paged and policy.applies("search-both-modes"):
        raise _refusal("A page of measures and the last measure cannot be requested concurrently.")
    if (sorts != ["-date"] or count != 1 or not counted) and policy.applies("search-last"):
        raise _refusal("The last measure is requested with _sort=-date and _count=1.")
    return not paged


def _bounds(dates: list[str], policy: Policy) -> None:
    lower = [bound for bound in dates if bound.startswith(_LOWER)]
    upper = [bound for bound in dates if bound.startswith(_UPPER)]
    if (len(lower), len(upper), len(dates)) != (1, 1, 2) and policy.applies("search-bounds"):
        told = "Give two dates: a lower bound (ge or gt) and an upper one (le or lt)."
        raise _refusal(told)


def _include(given: list[str], policy: Policy) -> bool:
    dotted = "Observation.device"
    for value in given:
        if value == dotted and policy.dotted_include == "ignored":
            continue
        if value not in {_INCLUDE, dotted} or (value == dotted and policy.dotted_include == "refused"):
            raise _refusal(f"_include={value}: the only one offered is {_INCLUDE}.")
    return _INCLUDE in given or (dotted in given and policy.dotted_include == "accepted")


def _bundle(call: Call, wanted: Wanted, page: Page) -> dict[str, Any]:
    links = [("self", wanted.skipped)]
    if not wanted.last:
        if wanted.skipped + wanted.count < (page.total or 0):
            links.append(("next", wanted.skipped + wanted.count))
        if wanted.skipped > 0:
            links.append(("previous", max(0, wanted.skipped - wanted.count)))
    entries = [_entry(call.base, record, "match") for record in page.matches]
    entries += [_entry(call.base, record, "include") for record in page.included]
    if wanted.ignored:
        told = [issue("warning", "not-supported", f"{name} is left out of this search.") for name in wanted.ignored]
        entries.append({"resource": operation_outcome(told), "search": {"mode": "outcome"}})
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": page.total,
        "link": [{"relation": name, "url": _url(call.base, wanted, skipped)} for name, skipped in links],
    }
    return {**bundle, "entry": entries} if entries else bundle


def _url(base: str, wanted: Wanted, skipped: int) -> str:
    pairs = [*wanted.repeated, *([] if wanted.last else [("_offset", str(skipped // wanted.unit))])]
    return f"{base}/Observation?" + "&".join(f"{name}={quote(value, safe=':-._')}" for name, value in pairs)


def _entry(base: str, record: Record, mode: str) -> dict[str, Any]:
    resource = codec.fragment(record.content or "{}")
    return {"fullUrl": f"{base}/{record.reference}", "resource": resource, "search": {"mode": mode}}
