"""The report of a session: patients, consents, every request that is kept, and the verdicts, as JSON or one page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from harness import __version__
from harness.sandbox.authorization.server import AuthorizationServer
from harness.sandbox.console.view import Row, readable
from harness.sandbox.pages.languages import Language
from harness.sandbox.pages.rendering import asset, render

FORMAT = "fhir-harness-sandbox-report/1"


def session(address: str, authorization: AuthorizationServer, rows: Sequence[Row]) -> dict[str, Any]:
    """The report as JSON takes it: what was served, to whom, and what came of it."""
    return {
        "format": FORMAT,
        "software": {"name": "fhir-harness sandbox", "version": __version__},
        "made": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "address": address,
        "patients": people(authorization),
        "verdicts": dict(sorted(Counter(row["verdict"] for row in rows).items())),
        "statuses": dict(sorted(Counter(str(row["status"]) for row in rows).items())),
        "requests": list(rows),
    }


def people(authorization: AuthorizationServer) -> list[dict[str, Any]]:
    """The synthetic patients, what they consent to, and the solutions that they are paired with."""
    pairings = authorization.vault.pairings()
    return [
        {
            "idPe": patient.idpe,
            "ins": patient.ins,
            "name": f"{patient.given} {patient.family}",
            "consents": sorted(authorization.registry.given(patient.idpe)),
            "pairings": [
                {"id": one.id, "solution": one.client.solution.name, "since": datetime.fromtimestamp(one.since, UTC)}
                for one in pairings
                if one.idpe == patient.idpe
            ],
        }
        for patient in authorization.registry.patients.values()
    ]


def as_page(told: dict[str, Any], lang: Language) -> str:
    """The report as one page that needs nothing else."""
    return render("console/report.html.j2", lang, report=told, readable=readable, style=asset("page.css"))
