"""An exchange as a curl command, so that a failure can be repeated in a terminal; secrets are shell variables."""

import re

from harness.engine.exchange import Exchange
from harness.engine.redaction import MARK

LONGEST = 4_000
"""Characters of a body that stand in the command; a longer one, or one that is no text, is read from a file."""
_FILE = "body.bin"
_IMPLIED = frozenset({"content-length", "host", "connection"})
_PLAIN = re.compile(r"[A-Za-z0-9@%+=:,./_-]+", re.ASCII)


def curl(exchange: Exchange) -> str:
    """Return one command that sends the request of ``exchange`` again.

    Where a secret was, the command reads a variable named after it: ``$IDENTITIES_DEFAULT_BEARER``. It is inert in a
    POSIX shell whatever the request holds: every part that is not a variable is quoted.
    """
    request = exchange.request
    parts = ["curl", "--globoff", "--include", *_method(request.method), _quoted(request.url)]
    for name, value in request.headers:
        if name.lower() not in _IMPLIED:
            # curl drops a header without a value, unless it ends with a semicolon.
            parts += ["--header", _quoted(f"{name}: {value}" if value else f"{name};")]
    if request.body:
        parts += ["--data-binary", _body(request.body)]
    return " ".join(parts)


def _method(method: str) -> list[str]:
    if method == "GET":
        return []
    return ["--head"] if method == "HEAD" else ["--request", _quoted(method)]


def _body(body: bytes) -> str:
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        return f"@{_FILE}"
    shown = len(text) <= LONGEST and all(char.isprintable() or char in "\n\t" for char in text)
    # A leading @ would name a file.
    return _quoted(text) if shown and not text.startswith("@") else f"@{_FILE}"


def _quoted(text: str) -> str:
    """Return ``text`` as one word of a shell, its marks of secrets as variables."""
    word, end = "", 0
    for found in MARK.finditer(text):
        word += _literal(text[end : found.start()]) + f'"${{{_variable(found["name"])}}}"'
        end = found.end()
    return word + _literal(text[end:]) or "''"


def _literal(text: str) -> str:
    if not text or _PLAIN.fullmatch(text):
        return text
    return "'" + text.replace("'", "'\\''") + "'"


def _variable(name: str) -> str:
    plain = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_")
    return plain if plain[:1].isalpha() else f"SECRET_{plain}"
