"""Patients: a qualified identity with its national identifier, or a provisional one without."""

from tests.reference_client.records import extension, record
from tests.reference_client.service import Service
from tests.reference_client.task import Task

_CORE = "https://hl7.fr/ig/fhir/core/StructureDefinition/"


def register(service: Service, task: Task) -> None:
    """Register a patient. ``data.identity`` is ``qualified`` or ``provisional``; ``data.given`` is the list of given
    names as the national service returns it, its names set apart by spaces, compound ones by hyphens.
    """
    if task.data["identity"] == "qualified":
        made = record("patient/ins-full")
        made["meta"]["profile"] = [f"{_CORE}fr-core-patient-ins"]
        listed = task.data["given"]
        official = made["name"][0]
        extension(official, "birth-list-given-name")["valueString"] = listed
        official["given"] = [listed.split(" ")[0]]
        official["family"] = task.data["family"]
        made["name"][1]["family"] = task.data["used"]
    else:
        made = record("patient/ins-provisional")
        made["meta"]["profile"] = [f"{_CORE}fr-core-patient"]
        made["name"][0]["family"] = task.data["family"]
    made.pop("generalPractitioner", None)
    service.create(made)
