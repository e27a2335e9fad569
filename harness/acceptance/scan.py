"""The last look before signing: nothing that looks like a credential, a private key or a national health number.

The redaction at capture knows what it was told and what stands in known places. This looks at the whole file, knows
nothing of the run, and refuses rather than signs what it is not sure of.
"""

import base64
import binascii
import html
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from harness.errors import AcceptanceError

TEST_OIDS = ("1.2.250.1.213.1.4.10", "1.2.250.1.213.1.4.11")
"""INS-NIR of tests and of demonstrations: numbers under these are nobody's."""

_JWT = re.compile(r"\b(eyJ[\w-]{8,})\.([\w-]{8,})\.[\w-]*")
_BEARER = re.compile(r"\bBearer +([\w.~+/-]{16,}=*)", re.IGNORECASE)
_BASIC = re.compile(r"\bBasic +([A-Za-z0-9+/]{8,}={0,2})", re.IGNORECASE)
_PRIVATE_KEY = re.compile(r"-----BEGIN (?:[A-Z0-9]+ )*PRIVATE KEY-----")
_JWK = re.compile(r'"(?:d|k)"\s*:\s*"[\w-]{20,}"')
_BASE64 = re.compile(r"[A-Za-z0-9+/\r\n]{64,}={0,2}")
# Sex, year, month (with the ranges of unknown months), department (Corsica 2A, 2B), commune, order, key.
_NIR = re.compile(
    r"(?<![\w.,-])([1-478])[ ]?(\d\d)[ ]?(0[1-9]|1[0-2]|[2-9]\d)[ ]?(\d\d|2[AB])[ ]?(\d{3})[ ]?(\d{3})[ ]?(\d\d)"
    r"(?![\w-]|\.\d)"
)
_NEAR = 200
"""Characters to either side of a number in which a text that is not JSON may name its OID."""
_SHORTEST = 15
"""Characters of the shortest thing that is looked for."""
_AS_JSON = "\0JSON"
_DEPTH = 6
"""Texts within texts (JSON in a body in a journal, base64 in JSON) that are opened."""


@dataclass(frozen=True)
class Leak:
    """Something that must not be in a signed file."""

    member: str
    place: str
    """A line (``line 3``) and, within JSON, the path of the value."""
    kind: str

    def __str__(self) -> str:
        return f"{self.member}, {self.place}: {self.kind}"


def refuse_leaks(members: Mapping[str, bytes]) -> None:
    """Raise AcceptanceError with the places of all that must not be signed. The values themselves are not shown."""
    found = scan(members)
    if found:
        shown = "\n".join(f"  {leak}" for leak in found[:20])
        more = f"\n  … and {len(found) - 20} more" if len(found) > 20 else ""
        raise AcceptanceError(
            f"the run holds {len(found)} values that must not leave your machine, so it was not signed:\n"
            f"{shown}{more}\nUse synthetic patients under the test OIDs, put secrets into the candidate file (there "
            "they are redacted), and run the tests again."
        )


def scan(members: Mapping[str, bytes]) -> list[Leak]:
    """Return all that looks like a token, a private key, or a national health number outside of the test OIDs.

    A number that stands under a test OID somewhere in the file is a test number wherever it stands alone.
    """
    scanner = _Scanner()
    for name, data in members.items():
        text = data.decode("utf-8", "replace")
        if name.endswith((".json", ".ndjson")):
            for number, line in enumerate(text.splitlines() if name.endswith(".ndjson") else [text], 1):
                scanner.json(name, f"line {number}" if name.endswith(".ndjson") else "", line)
        else:
            for number, line in enumerate(_lines(name, text), 1):
                scanner.text(name, f"line {number}", line)
    return scanner.result()


def _lines(name: str, text: str) -> list[str]:
    return (html.unescape(text) if name.endswith(".html") else text).split("\n")


class _Scanner:
    """Gathers leaks; numbers wait until every text was seen, for one may prove another to be a test number."""

    def __init__(self) -> None:
        self._leaks: dict[Leak, None] = {}
        self._numbers: list[tuple[str, Leak]] = []
        self._tests: set[str] = set()
        self._seen: set[tuple[str, str]] = set()

    def result(self) -> list[Leak]:
        """Return what was found, in the order of the file."""
        for number, leak in self._numbers:
            if number not in self._tests:
                self._leaks[leak] = None
        return list(self._leaks)

    def json(self, member: str, place: str, text: str, depth: int = 0) -> None:
        """Look at a JSON document; at a text that is none as text."""
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            self.text(member, place, text, depth)
            return
        self._value(member, place, value, "", depth)

    def _value(self, member: str, place: str, value: Any, system: str, depth: int) -> None:
        if isinstance(value, dict):
            self._object(member, place, value, depth)
        elif isinstance(value, list):
            for index, item in enumerate(value):
                self._value(member, f"{place}/{index}", item, system, depth)
        elif isinstance(value, str):
            if value[:1] in ("{", "[") and depth < _DEPTH:
                if (value, _AS_JSON) in self._seen:
                    return
                self._seen.add((value, _AS_JSON))
                self.json(member, place, value, depth + 1)
            else:
                self.text(member, place, value, depth, system)
        elif isinstance(value, int) and not isinstance(value, bool):
            self.text(member, place, str(value), depth, system)

    def _object(self, member: str, place: str, value: dict[str, Any], depth: int) -> None:
        if isinstance(value.get("kty"), str) and any(isinstance(value.get(part), str) for part in ("d", "k")):
            self._leaks[Leak(member, place or "/", "a private key (JWK)")] = None
        system = value.get("system")
        for name, item in value.items():
            self._value(
                member, f"{place}/{name}", item, system if name == "value" and isinstance(system, str) else "", depth
            )

    def text(self, member: str, place: str, text: str, depth: int = 0, system: str = "") -> None:
        """Look at a text, in which ``system`` says what a number of it is; at the same text once."""
        if len(text) < _SHORTEST or (text, system) in self._seen:
            return
        self._seen.add((text, system))
        if "%" in text:
            text = unquote(text)
        for kind in _credentials(text):
            self._leaks[Leak(member, place, kind)] = None
        for found in _NIR.finditer(text):
            self._number(Leak(member, place, "a national health number (NIR/INS)"), found, text, system)
        if depth < _DEPTH:
            for encoded in _BASE64.finditer(text):
                decoded = _decoded(encoded[0])
                if decoded is not None:
                    self.json(member, f"{place} (base64)", decoded, depth + 1)

    def _number(self, leak: Leak, found: re.Match[str], text: str, system: str) -> None:
        digits = "".join(found.groups())
        if not _has_valid_key(digits):
            return
        around = text[max(found.start() - _NEAR, 0) : found.end() + _NEAR]
        if any(re.search(rf"{re.escape(oid)}(?![\d.]*\d)", system or around) for oid in TEST_OIDS):
            self._tests.add(digits)
        elif system:
            self._leaks[leak] = None
        else:
            self._numbers.append((digits, leak))


def _credentials(text: str) -> Iterator[str]:
    if any(_is_jose_header(found[1]) for found in _JWT.finditer(text)):
        yield "a signed or encrypted token (JWT)"
    if any(re.search(r"\d", found[1]) for found in _BEARER.finditer(text)):
        yield "a bearer token"
    if any(":" in (_decoded(found[1]) or "") for found in _BASIC.finditer(text)):
        yield "a user name and password (Basic)"
    if _PRIVATE_KEY.search(text):
        yield "a private key (PEM)"
    if '"kty"' in text and _JWK.search(text):
        yield "a private key (JWK)"


def _is_jose_header(encoded: str) -> bool:
    try:
        header = json.loads(base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4)))
    except ValueError:
        return False
    return isinstance(header, dict) and "alg" in header


def _decoded(encoded: str) -> str | None:
    compact = re.sub(r"\s", "", encoded)
    try:
        return base64.b64decode(compact + "=" * (-len(compact) % 4)).decode("utf-8")
    except (binascii.Error, ValueError):
        return None


def _has_valid_key(digits: str) -> bool:
    """Tell whether the last two digits are the key of the others: 97 less their remainder by 97."""
    number = int(digits[:13].replace("2A", "19").replace("2B", "18"))
    return 97 - number % 97 == int(digits[13:])
