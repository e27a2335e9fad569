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
    """Takes any bearer token, or none."""

    def authorise(self, call: Call) -> Caller:
        """Return the caller; the token itself is not kept."""
        scheme, _, token = (call.header("authorization") or "").partition(" ")
        return Caller(subject="bearer" if scheme.lower() == "bearer" and token else None)
