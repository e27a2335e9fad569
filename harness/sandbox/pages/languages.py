"""French and English: which of them a page is in, and the words that pages share."""

from __future__ import annotations

from typing import Literal

from starlette.requests import Request

Language = Literal["fr", "en"]
LANGUAGES: tuple[Language, ...] = ("fr", "en")


def language(request: Request) -> Language:
    """What ``lang`` or ``ui_locales`` (OpenID Connect) asks for, else what the browser prefers; French if neither."""
    asked = (request.query_params.get("lang") or request.query_params.get("ui_locales") or "").replace("_", "-")
    wanted = [*asked.split(), *_preferred(request.headers.get("accept-language", ""))]
    for tag in wanted:
        for known in LANGUAGES:
            if tag.lower().partition("-")[0] == known:
                return known
    return "fr"


def _preferred(header: str) -> list[str]:
    found: list[tuple[float, int, str]] = []
    for part in header.split(","):
        tag, _, parameters = part.strip().partition(";")
        try:
            weight = float(parameters.partition("q=")[2] or 1)
        except ValueError:
            weight = 0.0
        if weight > 0:
            found.append((-weight, len(found), tag))
    return [tag for _, _, tag in sorted(found)]
