"""The gate of the measures API: who calls, for which solution and which patient, and what the patient consented to."""

from __future__ import annotations

from dataclasses import dataclass

from harness.sandbox.call import Call, Caller
from harness.sandbox.measures.population import Direction, Registry
from harness.sandbox.measures.tokens import Grant, InvalidToken, TokenOffice
from harness.sandbox.policy import Policy
from harness.sandbox.problems import Problem

MISMATCH = "The idPe of the request is not the idPe of the ID token."


@dataclass(frozen=True, slots=True)
class Gate:
    """Checks the access token (401), the ID token (400), the OID of the solution (409), and consent (403)."""

    office: TokenOffice
    registry: Registry
    policy: Policy

    def authorise(self, call: Call) -> Caller:
        """Return the patient (``subject``) and the solution (claim ``solutionOid``). Raises :class:`Problem`."""
        grant = self._grant(call)
        claims = self._claims(call, grant)
        oid = claims["solutionOid"]
        if oid != grant.solution and self.policy.applies("token-oid"):
            told = f"The OID of the ID token, {oid}, conflicts with the OID registered for this solution: OID conflict."
            raise Problem(409, "conflict", told)
        solution = self.registry.solutions.get(grant.solution)
        known = solution.client_id if solution else None
        if oid == grant.solution and claims["aud"] not in (None, known, [known]):
            raise self._invalid("it was made for another solution (aud)")
        if claims["idPe"] != grant.idpe:
            raise Problem(403, "forbidden", f"{MISMATCH} The access token was given for another patient.")
        return Caller(subject=str(claims["idPe"]), claims={"solutionOid": grant.solution})

    def consent(self, caller: Caller, direction: Direction) -> None:
        """Raises :class:`Problem` (403) when the patient did not consent to ``direction``."""
        if self.policy.applies(f"consent-{direction}") and not self.registry.consents(str(caller.subject), direction):
            doing = "reading" if direction == "read" else "writing"
            raise Problem(403, "forbidden", f"Consent refused: the user has not consented to the {doing} of measures.")

    def _grant(self, call: Call) -> Grant:
        scheme, _, token = (call.header("authorization") or "").partition(" ")
        try:
            if scheme.lower() != "bearer" or not token.strip():
                raise InvalidToken("there is no bearer token")
            return self.office.grant(token.strip())
        except InvalidToken as error:
            challenge = {"WWW-Authenticate": 'Bearer realm="measures", error="invalid_token"'}
            raise Problem(401, "login", f"The access token is refused: {error}.", headers=challenge) from None

    def _claims(self, call: Call, grant: Grant) -> dict[str, object]:
        token = (call.header(self.policy.id_token_header.lower()) or "").strip()
        try:
            if not token:
                raise InvalidToken(f"the header {self.policy.id_token_header} is missing")
            return self.office.claims(token)
        except InvalidToken as error:
            if not self.policy.applies("id-token"):
                return {"idPe": grant.idpe, "solutionOid": grant.solution, "aud": None}
            raise self._invalid(str(error)) from None

    def _invalid(self, reason: str) -> Problem:
        return Problem(400, "security", f"The value of ID_TOKEN is invalid: {reason}.")
