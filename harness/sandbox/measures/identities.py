"""Ready-made callers for tests of a server: each a pair of tokens, right or wrong in one way that its name tells."""

from __future__ import annotations

from typing import Any

from harness.sandbox.measures.population import (
    ASSIGN_AUTH,
    INS_TEST,
    OTHER_SOLUTION,
    PATIENTS,
    SOLUTION,
    Patient,
    Solution,
)
from harness.sandbox.measures.service import MeasuresService
from harness.sandbox.measures.tokens import new_key

Identity = dict[str, Any]


def identities(measures: MeasuresService) -> dict[str, Identity]:
    """New identities on ``measures``, by name, in the shape of the candidate file.

    ``identifier`` is what the measures API knows the patient by; ``ins`` is the test national identifier, ``name`` the
    person's, ``solution.oid`` the registered OID of the caller.
    """
    return {**_right(measures), **_wrong_access(measures), **_wrong_id_token(measures)}


def national(identity: Identity) -> Identity:
    """``identity`` for the FHIR service beside the measures API, where a person is known by the INS."""
    return {**identity, "identifier": identity["ins"]}


def _identity(
    measures: MeasuresService,
    patient: Patient,
    solution: Solution = SOLUTION,
    *,
    bearer: str | None = None,
    id_token: str | None = None,
) -> Identity:
    """The identity of ``patient``; tokens that are given, even as "", take the place of right ones; "" is left out."""
    access = measures.office.access_token(solution, patient.idpe) if bearer is None else bearer
    token = measures.office.id_token(solution, patient.idpe) if id_token is None else id_token
    found: Identity = {"bearer": access} if access else {}
    if token:
        found["id-token"] = {"header": measures.policy.id_token_header, "value": token}
    return {
        **found,
        "identifier": {"system": ASSIGN_AUTH, "value": patient.idpe},
        "ins": {"system": INS_TEST, "value": patient.ins},
        "name": {"family": patient.family, "given": patient.given},
        "consents": sorted(patient.consents),
        "solution": {"oid": solution.oid, "source": f"urn:oid:{solution.oid}"},
    }


def _right(measures: MeasuresService) -> dict[str, Identity]:
    found = {name: _identity(measures, patient) for name, patient in PATIENTS.items()}
    found["other-solution"] = _identity(measures, PATIENTS["default"], OTHER_SOLUTION)
    return found


def _wrong_access(measures: MeasuresService) -> dict[str, Identity]:
    office, patient = measures.office, PATIENTS["default"]
    revoked = office.access_token(SOLUTION, patient.idpe)
    office.revoke(revoked)
    wrong = {
        "no-token": "",
        "unknown-token": "not-a-token-of-this-sandbox",
        "expired-token": office.access_token(SOLUTION, patient.idpe, lifetime=-60),
        "revoked-token": revoked,
    }
    return {name: _identity(measures, patient, bearer=token) for name, token in wrong.items()}


def _wrong_id_token(measures: MeasuresService) -> dict[str, Identity]:
    office, patient = measures.office, PATIENTS["default"]
    right = office.id_token(SOLUTION, patient.idpe)
    other = PATIENTS["patient-b"]
    wrong = {
        "no-id-token": "",
        "malformed-id-token": "not-a-jwt",
        "truncated-id-token": right[: len(right) // 2],
        "bad-signature": office.id_token(SOLUTION, patient.idpe, key=new_key()),
        "unsigned-id-token": right.rpartition(".")[0] + ".",
        "expired-id-token": office.id_token(SOLUTION, patient.idpe, lifetime=-60),
        "wrong-issuer": office.id_token(SOLUTION, patient.idpe, iss="https://elsewhere.invalid"),
        "wrong-audience": office.id_token(SOLUTION, patient.idpe, aud="somebody-else"),
        "wrong-oid": office.id_token(OTHER_SOLUTION, patient.idpe),
        "other-patient-id-token": office.id_token(SOLUTION, other.idpe),
    }
    return {name: _identity(measures, patient, id_token=token) for name, token in wrong.items()}
