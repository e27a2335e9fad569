"""A small partner that is written with fhirpy (PyPI): feeds and reads measures, as the harness's steps ask.

What goes over the wire is fhirpy's: how it serializes, labels, searches, follows pages and takes refusals.
"""

import json
import os
import sys
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import BaseFHIRError
from fhirpy.base.searchset import Raw

_FIXTURES = Path(__file__).parents[2] / "fixtures"

Step = Mapping[str, Any]


def _client(step: Step) -> SyncFHIRClient:
    headers = dict(step["credentials"])
    return SyncFHIRClient(step["base-url"], authorization=headers.pop("Authorization", None), extra_headers=headers)


def _consented(step: Step, direction: str) -> None:
    if direction not in step["caller"]["consents"]:
        raise SystemExit(f"this person does not consent ({direction})")


def _record(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((_FIXTURES / f"{name}.json").read_text("utf-8"))
    return found


def feed(step: Step) -> None:
    """Feed one measure a transaction, with its device where there is one."""
    _consented(step, "write")
    client, data = _client(step), step["data"]
    for kind in data.get("kinds", [data.get("kind", "bodyweight")]):
        content = _record(f"observation/mes-{kind}")
        content.pop("id", None)
        measure = client.resource(content.pop("resourceType"), **content)
        measure["subject"] = {"identifier": step["caller"]["identifier"]}
        measure["effectiveDateTime"] = data.get("date", "2025-03-14T08:30:00+01:00")
        if "value" in data:
            measure["valueQuantity"]["value"] = data["value"]
        if "comment" in data:
            reason = "https://interop.esante.gouv.fr/ig/fhir/mesures/StructureDefinition/mesures-reason-for-measurement"
            measure["extension"] = [{"url": reason, "valueString": data["comment"]}]
        devices = []
        if data.get("device"):
            known = _record("bundle/mes-measure-feed")["entry"][1]
            device = client.resource("Device", **{**known["resource"], "id": str(uuid.uuid4())})
            measure["device"] = device.to_reference()
            devices = [{**_entry(device), "request": known["request"]}]
        client.execute("", data={"resourceType": "Bundle", "type": "transaction", "entry": [_entry(measure), *devices]})


def _entry(resource: Any) -> dict[str, Any]:
    request = {"method": "POST", "url": resource["resourceType"]}
    return {"fullUrl": uuid.uuid4().urn, "resource": resource.serialize(), "request": request}


def read_all(step: Step) -> None:
    """Read every page of a period."""
    _consented(step, "read")
    data = step["data"]
    found = _asked(step).search(date__ge=data["from"], date__le=data["to"])
    if data.get("devices"):
        found = found.include("Observation", "device")
    found.fetch_all()


def read_last(step: Step) -> None:
    """Read the last measure."""
    _asked(step).sort("-date").limit(1).fetch()


def _asked(step: Step) -> Any:
    identifier = step["caller"]["identifier"]
    patient = Raw(**{"subject.identifier": f"{identifier['system']}|{identifier['value']}"})
    return _client(step).resources("Observation").search(patient, code=step["data"]["code"])


def feed_and_read(step: Step) -> None:
    """Feed a measure, then read those of its kind."""
    feed(step)
    read_all({**step, "data": {"code": "29463-7", **step["data"]}})


_ACTIONS: Mapping[str, Callable[[Step], None]] = {
    "feed": feed,
    "feed-and-read": feed_and_read,
    "read-all": read_all,
    "read-last": read_last,
}


def main(action: str) -> int:
    """Do what the step of the harness asks. 1 when the server refused it."""
    try:
        _ACTIONS[action](json.loads(os.environ["FHIR_HARNESS_STEP"]))
    except BaseFHIRError as refusal:
        print(f"not done: {refusal!r}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
