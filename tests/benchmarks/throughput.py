"""``python -m tests.benchmarks.throughput``: requests a second of the sandbox and of sekmet-fhir, in one run.

Both keep what is stored in a file, both validate what is created, and both are asked by the same clients in turn.
"""

import http.client
import json
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tests.interop.servers import sekmet
from tests.sandbox.command import serving

_HEADERS = {"Content-Type": "application/fhir+json", "Accept": "application/fhir+json"}
_PATIENT = {
    "resourceType": "Patient",
    "identifier": [{"system": "urn:oid:2.999.1", "value": "throughput"}],
    "name": [{"family": "PATIENT-TEST", "given": ["ALEX"]}],
    "gender": "other",
    "birthDate": "1980-01-31",
}
_CATEGORY = {"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "vital-signs"}
_MATCHES = 5
Ask = tuple[str, str, str | None]


class Sizes(NamedTuple):
    """How much to measure; the smoke test takes little."""

    rounds: int = 5
    requests: int = 400
    clients: int = 4


class Row(NamedTuple):
    """One line of the table: requests a second of both, medians over the rounds, and their ratio."""

    name: str
    ours: float
    theirs: float

    @property
    def ratio(self) -> float:
        """How many times as many the sandbox answers."""
        return self.ours / self.theirs


def weight(patient: str) -> str:
    """A weight of ``patient``, as JSON."""
    quantity = {"value": 71.5, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"}
    observation = {
        "resourceType": "Observation",
        "status": "final",
        "category": [{"coding": [_CATEGORY]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": "29463-7"}]},
        "subject": {"reference": f"Patient/{patient}"},
        "effectiveDateTime": "2024-03-01T08:00:00+01:00",
        "valueQuantity": quantity,
    }
    return json.dumps(observation)


class Server:
    """A server under load: a patient with a few measures, among those of another one, whose measures are created."""

    def __init__(self, base: str) -> None:
        self._url = urlsplit(base)
        creating, searched = self._make("Patient", json.dumps(_PATIENT)), self._make("Patient", json.dumps(_PATIENT))
        for _ in range(_MATCHES):
            self._make("Observation", weight(searched))
        search = f"/Observation?subject=Patient/{searched}&code=http://loinc.org|29463-7"
        self.asks: dict[str, tuple[Ask, int]] = {
            "create": (("POST", "/Observation", weight(creating)), 201),
            "read": (("GET", f"/Patient/{searched}", None), 200),
            "search": (("GET", search, None), 200),
        }

    def _connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(str(self._url.hostname), self._url.port, timeout=60)

    def _make(self, type_: str, body: str) -> str:
        connection = self._connect()
        connection.request("POST", f"{self._url.path}/{type_}", body, _HEADERS)
        with connection.getresponse() as answer:
            assert answer.status == 201, answer.read()
            place = answer.headers["Location"]
            answer.read()
        connection.close()
        return str(place.partition(f"/{type_}/")[2].partition("/")[0])

    def rate(self, name: str, sizes: Sizes) -> float:
        """Requests a second of the kind ``name``, from several clients at once; each answer is checked."""
        (method, path, body), expected = self.asks[name]
        wrong: list[int] = []

        def work() -> None:
            connection = self._connect()
            for _ in range(sizes.requests // sizes.clients):
                connection.request(method, self._url.path + path, body, _HEADERS)
                answer = connection.getresponse()
                content = answer.read()
                if answer.status != expected or (name == "search" and json.loads(content)["total"] != _MATCHES):
                    wrong.append(answer.status)
            connection.close()

        seconds = _together([work] * sizes.clients)
        assert wrong == []
        return sizes.requests // sizes.clients * sizes.clients / seconds


def _together(works: list[Callable[[], None]]) -> float:
    threads = [threading.Thread(target=work) for work in works]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - begun


def rows(folder: Path, sizes: Sizes) -> list[Row]:
    """Measure both servers, with stores in ``folder``; they are asked in turn, so that both see the same machine."""
    with serving(f"sqlite:///{folder / 'sandbox.db'}") as (_, base), sekmet(folder) as other:
        ours, theirs = Server(base), Server(other)
        found = []
        for name in ours.asks:
            both = [(ours.rate(name, sizes), theirs.rate(name, sizes)) for _ in range(sizes.rounds)]
            found.append(Row(name, *(statistics.median(side) for side in zip(*both, strict=True))))
        return found


def main() -> int:
    """Print the table; 1 when the sandbox is behind."""
    with tempfile.TemporaryDirectory() as folder:
        found = rows(Path(folder), Sizes())
    print("| requests a second | sandbox | sekmet-fhir | ratio |\n|---|---|---|---|")
    for row in found:
        print(f"| {row.name} | {row.ours:.0f} | {row.theirs:.0f} | {row.ratio:.1f} |")
    return 0 if all(row.ratio > 1 for row in found) else 1


if __name__ == "__main__":
    sys.exit(main())
