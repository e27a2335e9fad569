"""Who may call. The protocol is the seam for tokens, identities and consent; the default accepts everybody."""

from __future__ import annotations

from typing import Protocol

from harness.sandbox.call import Call, Caller


class Authorisation(Protocol):
    """Decides on a request before anything else looks at it."""

    def authorise(self, call: Call) -> Caller:
        """Return who calls. Raises :class:`~harness.sandbox.problems.Problem` (401, 403…) to refuse."""
        ...


class AcceptAny:
    """Takes any bearer token, or none: what is stored is synthetic, and no published specification says who may call.

    The rules on tokens (401, 400, 409, 403) are those of the measures API, whose gate checks them
    (:mod:`harness.sandbox.measures.gate`). What guards the calendars and the documents is agreed with each publisher
    outside of the specifications, so a test of it would judge the sandbox's own invention.
    """

    def authorise(self, call: Call) -> Caller:
        """Return the caller; the token itself is not kept."""
        scheme, _, token = (call.header("authorization") or "").partition(" ")
        return Caller(subject="bearer" if scheme.lower() == "bearer" and token else None)
