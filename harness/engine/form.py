"""The parameters of a request, wherever they stand."""

import re
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from harness.engine.exchange import Request, header

_FORM = "application/x-www-form-urlencoded"
_HOST = re.compile(r"^(?:[A-Za-z][A-Za-z0-9+.-]*:)?//[^/?#]*")


def parameters_of(request: Request) -> list[tuple[str, str]]:
    """Return the parameters of the URL, then those of a form in the body, each in order."""
    found = parse_qsl(_split(request.url).query, keep_blank_values=True)
    if (header(request.headers, "content-type") or "").lower().startswith(_FORM):
        found += parse_qsl(request.body.decode("utf-8", "replace"), keep_blank_values=True)
    return found


def path_of(url: str, base: str) -> str:
    """Return the path of ``url`` below ``base`` without slashes around it; elsewhere the whole path, with its slash."""
    path, root = unquote(_split(url).path), unquote(_split(base).path).rstrip("/")
    if path == root or path.startswith(f"{root}/"):
        return path.removeprefix(root).strip("/")
    return path.rstrip("/") or "/"


def _split(url: str) -> SplitResult:
    """Return the parts of ``url``; no host where it names one that cannot be (a request's Host is its client's)."""
    try:
        return urlsplit(url)
    except ValueError:
        return urlsplit(_HOST.sub("", url))
