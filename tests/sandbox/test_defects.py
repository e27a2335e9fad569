"""Every seeded defect shows, the healthy server shows none, and none of them shows as a crash."""

import re
from collections.abc import Iterator

import httpx
import pytest

from harness.errors import UsageError
from harness.fhir.definitions import Definitions
from harness.sandbox import SandboxServer, make_service
from harness.sandbox.checking import server_validator
from harness.sandbox.defects import DEFECTS, chosen

VALIDATOR = server_validator(Definitions.embedded())
_VOLATILE = re.compile(
    r"\d{4}-\d\d-\d\dT[\d:.]+Z|[A-Z][a-z]{2}, \d\d \w{3} [\d :]+GMT|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|127\.0\.0\.1:\d+|_cursor=[\w-]+"
)
_SEEN = ("etag", "location", "content-location", "content-type", "allow")


def weight(id_: str, when: str, value: str) -> str:
    return (
        f'{{"resourceType":"Observation","id":"{id_}","status":"final","code":{{"text":"w"}},'
        '"category":[{"coding":[{"system":"urn:a","code":"x"}]}],"subject":{"reference":"Patient/a"},'
        f'"effectiveDateTime":"{when}","valueQuantity":{{"value":{value},"unit":"kg"}}}}'
    )


def requests() -> Iterator[tuple[str, str, str | bytes | None, dict[str, str]]]:
    person = (
        '{"resourceType":"Patient","id":"a","identifier":[{"system":"urn:s","value":"1"}],'
        '"extension":[{"url":"http://example.org/note","valueString":"kept"}]}'
    )
    yield "PUT", "/Patient/a", person, {}
    yield "PUT", "/Patient/a", person, {"If-Match": 'W/"7"'}
    yield "GET", "/Patient/unknown", None, {}
    yield "GET", "/Patient/a", None, {}
    yield "POST", "/Patient", '{"resourceType":"Patient"}', {"Prefer": "return=minimal"}
    yield "POST", "/Patient", '{"resourceType":"Patient"}', {"If-None-Exist": "identifier=urn:s|1"}
    yield "POST", "/Patient", '{"resourceType":"Patient","gender":"robot"}', {}
    yield "PUT", "/Observation/o1", weight("o1", "2024-03-01T08:00:00+01:00", "70.10"), {}
    yield "PUT", "/Observation/o2", weight("o2", "2024-03-01T09:00:00+01:00", "71"), {}
    yield "GET", "/Observation/o1", None, {}
    yield "GET", "/Patient?identifier=urn:other|1&colour=blue", None, {}
    yield "GET", "/Observation?date=ge2024-03-01T08:30:00%2B01:00", None, {}
    yield "GET", "/Observation?date=ge2024-03-01T07:30:00Z&date=le2024-03-02", None, {}
    yield "GET", "/Observation?_count=1&_include=Observation:subject", None, {}
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    yield "POST", "/Observation/_search", "date=lt2000", form
    yield "POST", "/Binary", b"\x00\x01", {"Content-Type": "application/pdf"}
    slot = (
        '{"resourceType":"Slot","id":"s","status":"free","schedule":{"reference":"Schedule/c"},'
        '"start":"2030-01-01T09:00:00Z","end":"2030-01-01T09:30:00Z"}'
    )
    yield "PUT", "/Schedule/c", '{"resourceType":"Schedule","id":"c","actor":[{"reference":"Patient/a"}]}', {}
    yield "PUT", "/Slot/s", slot, {}
    booked = (
        '{"resourceType":"Appointment","id":"r","status":"booked","slot":[{"reference":"Slot/s"}],'
        '"start":"2030-01-01T09:00:00Z","end":"2030-01-01T09:30:00Z",'
        '"participant":[{"actor":{"reference":"Patient/a"},"status":"accepted"}]}'
    )
    yield "PUT", "/Appointment/r", booked, {}
    yield "GET", "/Slot/s", None, {}
    document = (
        '{"resourceType":"DocumentReference","id":"%s","status":"current",%s'
        '"content":[{"attachment":{"contentType":"text/plain","url":"http://example.org/d"}}]}'
    )
    replaces = '"relatesTo":[{"code":"replaces","target":{"reference":"DocumentReference/d1"}}],'
    yield "PUT", "/DocumentReference/d1", document % ("d1", ""), {}
    yield "PUT", "/DocumentReference/d2", document % ("d2", replaces), {}
    yield "GET", "/DocumentReference/d1", None, {}


def transcript(*defects: str) -> list[tuple[str, int, list[str | None], str]]:
    with SandboxServer(make_service(defects=defects, validator=VALIDATOR)) as server:
        seen = []
        with httpx.Client(base_url=server.base_url, headers={"Content-Type": "application/fhir+json"}) as client:
            binary = ""
            for method, url, content, headers in requests():
                answer = client.request(method, url, content=content, headers=headers)
                steps = [(f"{method} {url}", answer)]
                if url == "/Binary":
                    binary = answer.json()["id"]
                    steps.append(("GET Binary", client.get(f"/Binary/{binary}")))
                for name, given in steps:
                    kept = [_VOLATILE.sub("~", given.headers.get(header, "")) for header in _SEEN]
                    seen.append((name, given.status_code, kept, _VOLATILE.sub("~", given.text)))
    return seen


@pytest.fixture(scope="module")
def healthy() -> list[tuple[str, int, list[str | None], str]]:
    return transcript()


def test_the_healthy_server_answers_the_same_twice(healthy: list) -> None:
    assert transcript() == healthy


@pytest.mark.parametrize("name", DEFECTS)
def test_a_defect_shows_and_does_not_crash(name: str, healthy: list) -> None:
    seen = transcript(name)
    assert seen != healthy
    assert [status for _, status, _, _ in seen if status >= 500] == []


def test_defects_are_described() -> None:
    for name, defect in DEFECTS.items():
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", name)
        assert re.fullmatch(r"[A-Z]+(-[A-Z0-9]+)*-\d{3}", defect.requirement)
        assert defect.summary.endswith(".")


def test_defects_add_up() -> None:
    assert {item.name for item in chosen(["strong-etag", "empty-errors"])} == {"strong-etag", "empty-errors"}
    both = transcript("strong-etag", "empty-errors")
    assert both[0][2][0] == '"1"'
    assert next(body for name, status, _, body in both if status == 404) == ""


def test_an_unknown_defect_is_told_with_the_nearest() -> None:
    with pytest.raises(UsageError, match="strong-etag"):
        chosen(["strong-etags"])
