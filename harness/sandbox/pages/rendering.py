"""Templates and the headers that keep a page harmless: nothing from elsewhere, nothing framed, nothing cached."""

from __future__ import annotations

from functools import cache
from importlib import resources
from typing import Any
from urllib.parse import unquote

from jinja2 import Environment, PackageLoader, PrefixLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from harness.sandbox.pages.languages import LANGUAGES, Language
from harness.sandbox.pages.text import plain

ASSETS = "/console/assets"
"""Where the style sheet and the script are served."""
_ASSETS = {"page.css": "text/css; charset=utf-8", "live.js": "text/javascript; charset=utf-8"}
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src data:; base-uri 'none'; "
    "frame-ancestors 'none'; form-action 'self'"
)
_environment = Environment(
    loader=PrefixLoader(
        {name: PackageLoader(f"harness.sandbox.{name}") for name in ("pages", "authorization", "console")}
    ),
    autoescape=True,
    undefined=StrictUndefined,
    finalize=plain,
    trim_blocks=True,
    lstrip_blocks=True,
)


def render(template: str, lang: Language, **values: Any) -> str:
    """The page that ``template`` (``console/page.html.j2``) gives; ``t(fr, en)`` in it chooses the language."""

    def choose(fr: str, en: str) -> str:
        return fr if lang == "fr" else en

    shared = {"lang": lang, "languages": LANGUAGES, "t": choose, "decoded": unquote}
    return _environment.get_template(template).render(**shared, **values)


def page(content: str, status: int = 200, form_targets: str = "") -> HTMLResponse:
    """``content`` as an answer. ``form_targets``: origins, beside our own, that an answer to a form may redirect to."""
    answer = HTMLResponse(content, status)
    harden(answer, form_targets)
    return answer


def harden(answer: Response, form_targets: str = "") -> None:
    """Set the headers that every page has."""
    answer.headers["Content-Security-Policy"] = f"{_POLICY} {form_targets}".rstrip()
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "same-origin"
    answer.headers["Cache-Control"] = "no-store"


@cache
def asset(name: str) -> str:
    """The text of an asset. Raises KeyError for a name that is not one."""
    if name not in _ASSETS:
        raise KeyError(name)
    return (resources.files("harness.sandbox.pages") / "assets" / name).read_text("utf-8")


async def asset_endpoint(request: Request) -> Response:
    """Serve the style sheet or the script."""
    name = request.path_params["name"]
    if name not in _ASSETS:
        return Response(status_code=404)
    answer = Response(asset(name), headers={"Content-Type": _ASSETS[name], "X-Content-Type-Options": "nosniff"})
    answer.headers["Cache-Control"] = "no-cache"
    return answer
