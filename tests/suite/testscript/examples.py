"""A TestScript of our own that has every construct that HL7's published examples have, and those beside them."""

from typing import Any

PATIENT: dict[str, Any] = {
    "resourceType": "Patient",
    "id": "example",
    "active": True,
    "name": [{"use": "official", "family": "ESSAI", "given": ["Ana", "Lou"]}, {"use": "maiden", "family": "TEST"}],
    "birthDate": "1980-02-29",
}


def operation(code: str, **more: Any) -> dict[str, Any]:
    """Return an action that is an operation."""
    system = "http://terminology.hl7.org/CodeSystem/testscript-operation-codes"
    return {"operation": {"type": {"system": system, "code": code}, "encodeRequestUrl": True, **more}}


def claim(**members: Any) -> dict[str, Any]:
    """Return an action that is an assertion."""
    return {"assert": {"warningOnly": False, **members}}


def script(*actions: dict[str, Any], **members: Any) -> dict[str, Any]:
    """Return a script whose one test has these actions."""
    return {
        "resourceType": "TestScript",
        "name": "OwnScript",
        "fixture": [
            {"id": "patient", "autocreate": False, "autodelete": False, "resource": {"reference": "Patient/a"}}
        ],
        "profile": [{"id": "patient-profile", "reference": "http://hl7.org/fhir/StructureDefinition/Patient"}],
        "test": [{"id": "one", "name": "One", "action": list(actions)}],
        **members,
    }


_FAMILY = "fhir:Patient/fhir:name/fhir:family/@value"

EVERYTHING: dict[str, Any] = script(
    name="EveryConstruct",
    title="Every construct",
    origin=[{"index": 1, "profile": {"code": "FHIR-Client"}}],
    destination=[{"index": 1, "profile": {"code": "FHIR-Server"}}, {"index": 2, "profile": {"code": "FHIR-Server"}}],
    metadata={
        "capability": [{"required": True, "validated": False, "description": "Patient", "capabilities": "urn:c"}]
    },
    contained=[{"resourceType": "Patient", "id": "minimum", "active": True}],
    fixture=[
        {
            "id": "patient-create",
            "autocreate": False,
            "autodelete": False,
            "resource": {"reference": "Patient/example"},
        },
        {"id": "patient-minimum", "autocreate": False, "autodelete": False, "resource": {"reference": "#minimum"}},
    ],
    variable=[
        {"name": "createResourceId", "path": "Patient/id", "sourceId": "patient-create"},
        {"name": "createLocation", "headerField": "Location", "sourceId": "create-response"},
        {"name": "given", "hint": "[Given name]"},
        {"name": "known", "defaultValue": "ESSAI"},
        {"name": "made", "expression": "Patient.id", "sourceId": "create-response"},
    ],
    setup={
        "action": [
            operation("delete", resource="Patient", accept="json", params="/${createResourceId}"),
            claim(direction="response", operator="in", responseCode="200,204,404"),
            operation(
                "update",
                resource="Patient",
                accept="json",
                contentType="json",
                params="/${createResourceId}",
                sourceId="patient-create",
            ),
            claim(direction="response", responseCode="201"),
            operation("read", resource="Patient", targetId="patient-create"),
            claim(response="okay"),
            claim(compareToSourceId="patient-create", compareToSourceExpression="Patient.name.first().family"),
        ]
    },
    test=[
        {
            "id": "01-Read",
            "name": "Read",
            "action": [
                operation("read", resource="Patient", responseId="read-response", targetId="patient-create"),
                claim(direction="response", response="okay"),
                claim(direction="response", headerField="Last-Modified", operator="notEmpty", warningOnly=True),
                claim(resource="Patient"),
                claim(validateProfileId="patient-profile"),
                claim(operator="equals", path=_FAMILY, sourceId="read-response", value="${known}"),
                claim(compareToSourceId="patient-create", compareToSourcePath=_FAMILY, operator="equals", path=_FAMILY),
                claim(minimumId="patient-minimum", warningOnly=True),
            ],
        },
        {
            "id": "02-Create",
            "name": "Create",
            "action": [
                operation(
                    "create",
                    resource="Patient",
                    accept="xml",
                    contentType="xml",
                    responseId="create-response",
                    sourceId="patient-create",
                ),
                claim(response="created"),
                claim(direction="response", headerField="Location", operator="notEmpty"),
                operation("read", accept="xml", url="${createLocation}"),
                claim(response="okay"),
                claim(expression="Patient.id", value="${made}"),
                claim(compareToSourceId="create-response", compareToSourcePath="Patient/id", path="Patient/id"),
            ],
        },
        {
            "id": "03-Search",
            "name": "Search",
            "action": [
                operation("search", resource="Patient", accept="xml", params="?family=${known}&given=${given}"),
                claim(direction="request", operator="contains", requestURL="family"),
                claim(direction="request", headerField="Accept", operator="contains", value="xml"),
                claim(requestMethod="get"),
                claim(response="okay"),
                claim(contentType="xml"),
                claim(operator="equals", path="fhir:Bundle/fhir:type/@value", value="searchset"),
                claim(expression="Bundle.total.toInteger() >= entry.count()"),
                claim(navigationLinks=True, warningOnly=True),
                claim(headerField="Content-Type", operator="contains", value="fhir+xml"),
                claim(headerField="Server", operator="notEquals", value="no/such"),
            ],
        },
        {
            "id": "04-History",
            "name": "History",
            "action": [
                operation("history", resource="Patient", accept="json", contentType="json", targetId="patient-create"),
                claim(response="okay"),
                claim(resource="Bundle"),
            ],
        },
    ],
    teardown={"action": [operation("delete", resource="Patient", targetId="patient-create")]},
)
