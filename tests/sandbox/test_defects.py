"""Seeded defects: none crashes, none touches what it is not about, each names a requirement that a server has.

That each one shows, and is detected, is what the score of the test sets proves (tests/cli/test_score.py).
"""

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.fhir.definitions import Definitions
from harness.sandbox.app import PREFIX
from harness.sandbox.assembly import make_service
from harness.sandbox.call import Call
from harness.sandbox.checking import server_validator
from harness.sandbox.defects import DEFECTS, chosen
from harness.sandbox.negotiation import DEFAULT, render
from harness.sandbox.store import Store
from harness.suite.requirements import load_requirements

VALIDATOR = server_validator(Definitions.embedded())
STORE = Store()  # one for all, forgotten in between: a new one costs more than a transcript
REQUIREMENTS = load_requirements(Path(__file__).parents[2] / "testsets" / "requirements").by_id
_VOLATILE = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.]+Z|[A-Z][a-z]{2}, \d\d \w{3} [\d :]+GMT|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|_cursor=[\w-]+"
)
FHIR = {"content-type": "application/fhir+json"}
FORM = {"content-type": "application/x-www-form-urlencoded"}
Request = tuple[str, str, str, dict[str, str]]
Seen = list[tuple[str, int, dict[str, str], str]]

_SLOT = (
    '{"resourceType":"Slot","id":"s","status":"free","schedule":{"reference":"Schedule/c"},'
    '"start":"2030-01-01T09:00:00+01:00","end":"2030-01-01T09:30:00+01:00"}'
)
_BOOKED = (
    '{"resourceType":"Appointment","id":"r","status":"booked","slot":[{"reference":"Slot/s"}],'
    '"start":"2030-01-01T09:00:00+01:00","end":"2030-01-01T09:30:00+01:00",'
    '"participant":[{"actor":{"display":"A"},"status":"accepted"}]}'
)
_RECORD = (
    '{"resourceType":"DocumentReference","id":"%s","status":"current",%s'
    '"content":[{"attachment":{"contentType":"text/plain","url":"http://example.org/d"}}]}'
)
_REPLACES = '"relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/d1"}}],'
_WEIGHT = (
    '{"resourceType":"Observation","id":"o","status":"final","code":{"text":"w"},"subject":{"display":"A"},'
    '"effectiveDateTime":"2024-03-01T08:00:00+01:00","valueQuantity":{"value":70.10,"unit":"kg"}}'
)
TRANSCRIPTS: dict[str, Sequence[Request]] = {
    "GAP": (
        ("PUT", "Schedule/c", '{"resourceType":"Schedule","id":"c","actor":[{"display":"A"}]}', FHIR),
        ("PUT", "Slot/s", _SLOT, FHIR),
        ("GET", "Slot?schedule=Schedule/c&status=free", "", {}),
        ("PUT", "Appointment/r", _BOOKED, FHIR),
        ("GET", "Slot/s", "", {}),
        ("GET", "Appointment?status=booked&_include=Appointment:slot", "", {}),
        ("PUT", "Appointment/r", _BOOKED.replace("booked", "cancelled"), FHIR),
        ("GET", "Slot/s", "", {}),
    ),
    "PDSM": (
        ("PUT", "DocumentReference/d1", _RECORD % ("d1", ""), FHIR),
        ("PUT", "DocumentReference/d2", _RECORD % ("d2", _REPLACES), FHIR),
        ("GET", "DocumentReference/d1", "", {}),
        ("GET", "DocumentReference?status=current,superseded", "", {}),
        ("POST", "DocumentReference/_search", "status=superseded", FORM),
        ("GET", "List?status=current", "", {}),
    ),
    "MES": (
        ("PUT", "Observation/o", _WEIGHT, FHIR),
        ("GET", "Observation/o", "", {}),
        ("GET", "Observation?date=ge2024-03-01T07:30:00Z", "", {}),
        ("PUT", "Device/e", '{"resourceType":"Device","id":"e","identifier":[{"value":"1"}]}', FHIR),
        ("GET", "Device?identifier=1", "", {}),
    ),
    "FRCORE": (
        ("PUT", "Patient/p", '{"resourceType":"Patient","id":"p","name":[{"family":"ÉTÉ"},{"text":"B"}]}', FHIR),
        ("GET", "Patient/p", "", {}),
        ("PUT", "Patient/p", '{"resourceType":"Patient","id":"p","gender":"robot"}', FHIR),
        ("GET", "Patient?name=%C3%A9t%C3%A9", "", {}),
        ("DELETE", "Patient/p", "", {}),
        ("GET", "Patient/p", "", {}),
    ),
}
"""Requests of four domains; a domain is the beginning of the ids of its requirements."""


def transcript(domain: str, *defects: str) -> Seen:
    """What a server with ``defects`` answers to the requests of ``domain``."""
    STORE.reset()
    service = make_service(STORE, defects=defects, validator=VALIDATOR)
    seen: Seen = []
    for method, url, content, headers in TRANSCRIPTS[domain]:
        path, _, query = url.partition("?")
        pairs = tuple(tuple(part.split("=", 1)) for part in query.split("&") if part)
        answer = service.handle(Call(method, f"http://here{PREFIX}", path, pairs, headers, content.encode()))  # type: ignore[arg-type]
        told, media_type = render(answer, DEFAULT, service.definitions)
        kept = {name: _VOLATILE.sub("~", value) for name, value in answer.headers.items()}
        seen.append((f"{method} {url}", answer.status, {**kept, "type": media_type or ""}, _clean(told)))
    return seen


BROAD: frozenset[str] = frozenset()
"""Defects of a domain that are wrong everywhere, as is their nature."""


def _clean(told: bytes) -> str:
    return _VOLATILE.sub("~", told.decode("utf-8", "replace"))


@pytest.fixture(scope="module")
def healthy() -> dict[str, Seen]:
    return {domain: transcript(domain) for domain in TRANSCRIPTS}


def test_the_healthy_server_answers_the_same_twice(healthy: dict[str, Seen]) -> None:
    assert {domain: transcript(domain) for domain in TRANSCRIPTS} == healthy


@pytest.mark.parametrize("own", [*TRANSCRIPTS, "FHIR"])
def test_no_defect_crashes_or_touches_another_domain(own: str, healthy: dict[str, Seen]) -> None:
    others = [domain for domain in TRANSCRIPTS if domain != own]
    mine = [name for name, defect in sorted(DEFECTS.items()) if defect.requirement.partition("-")[0] == own]
    touched = []
    for number, name in enumerate(mine):
        domains = {own: True, others[number % len(others)]: False} if own in TRANSCRIPTS else {others[number % 4]: True}
        for domain, concerned in domains.items():
            seen = transcript(domain, name)
            assert [request for request, status, _, _ in seen if status >= 500] == [], name
            if not concerned and seen != healthy[domain] and not _broad(name):
                touched.append(f"{name} in {domain}")
    assert touched == []


def _broad(name: str) -> bool:
    """True for a departure that has no type: wherever a test can look, it shows."""
    return name in BROAD


def test_defects_are_described() -> None:
    for name, defect in DEFECTS.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name)
        assert REQUIREMENTS[defect.requirement].actor in ("server", "both"), name
        assert defect.summary.endswith("."), name


def test_there_are_defects_of_every_kind() -> None:
    families = Counter(defect.requirement.rpartition("-")[0] for defect in DEFECTS.values())
    assert len(DEFECTS) >= 150
    assert {"FHIR-REST", "MES-MEASURE", "MES-SEARCH", "MES-AUTH", "GAP-SLOT", "GAP-RDV", "PDSM-ADD"} <= set(families)


def test_a_replacement_that_keeps_current_keeps_the_other_rules() -> None:
    service = make_service(defects=["replacement-keeps-current"], validator=VALIDATOR)
    statuses = []
    for id_, relation in (("d1", ""), ("d2", _REPLACES), ("d3", _REPLACES.replace("d1", "nobody"))):
        content = (_RECORD % (id_, relation)).encode()
        call = Call("PUT", f"http://here{PREFIX}", f"DocumentReference/{id_}", (), FHIR, content)
        statuses.append(service.handle(call).status)
    kept = service.handle(Call("GET", f"http://here{PREFIX}", "DocumentReference/d1"))
    assert statuses == [201, 201, 422]
    assert '"status":"current"' in (kept.text or "")


def test_defects_add_up() -> None:
    assert {item.name for item in chosen(["strong-etag", "empty-errors"])} == {"strong-etag", "empty-errors"}
    both = transcript("FRCORE", "strong-etag", "empty-errors")
    assert both[0][2]["ETag"] == '"1"'
    assert next(body for _, status, _, body in both if status == 410) == ""


def test_an_unknown_defect_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="strong-etag"):
        chosen(["strong-etags"])
