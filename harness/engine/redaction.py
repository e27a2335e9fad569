"""Secrets out of everything that is recorded: applied at capture, before an :class:`Exchange` exists.

Each secret becomes ``«redacted:NAME~COMMITMENT»``, the same all through a run, so that equal values stay equal in the
evidence, and different ones different (:mod:`harness.engine.commitment`); without a salt, ``«redacted:NAME»``.
"""

import base64
import contextlib
import html
import json
import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any
from urllib.parse import quote, quote_plus, unquote_plus

from harness.engine.commitment import LENGTH, commit
from harness.engine.exchange import Headers, Request, Response, header
from harness.engine.wire import dumps
from harness.reason import Reason

SHORTEST = 4
"""Characters. A shorter value is hidden where its place tells (a header, a member's name), never as literal text."""

_ALIGNED = 8
"""From so many bytes a secret is looked for inside of longer base64 (``user:password``): less would match by chance."""

_NAMES = (
    r"(?:access|id|refresh|auth|session|bearer)[_-]?token|token|client[_-]?(?:secret|assertion)|assertion|secret"
    r"|password|passwd|api[_-]?key|private[_-]?key|code[_-]?verifier"
)
_SECRET_NAME = re.compile(_NAMES, re.IGNORECASE)
_SECRET_HEADER = re.compile(
    r"authorization|cookie|token|secret|passw|api-?key|subscription|credential|session|(?<!certificate-)signature"
    r"|(?<!certificate)[-_]key$",
    re.IGNORECASE,
)
_PUBLIC_HEADER = re.compile(
    r"accept(?:-.+)?|cache-control|content-(?:language|type)|date|from|origin|pragma|prefer|referer|user-agent",
    re.IGNORECASE,
)
_SCHEME = re.compile(r"(?:Bearer|Basic|Digest|DPoP|Negotiate)(?= )", re.IGNORECASE)
_PARAMETER = re.compile(r"=([^&#\s\"'<>;\\]+)")
_PARAMETER_NAME = re.compile(
    rf"(?:^|[?&\s;])({_NAMES}|(?:j|php)?sess(?:ion)?(?:[_-]?id)?|sid|sig|(?:x-amz-)?signature|x-amz-(?:credential|"
    r"security-token))$",
    re.IGNORECASE,
)
_SIGN_IN = {"state", "session_state", "iss"}
"""Parameters beside which ``code`` is that of a sign-in (RFC 6749, section 4.1.2), not one that is searched for."""
_REMEMBERED = 500
"""Headers."""
_MOST_MARKS = 20_000
"""Secrets in one text. One with more is hidden whole: the marks would be many times as long as it is."""
_BLOCK = 65_536
"""Characters of a query that are taken apart at a time: in pieces, a long one takes many times the memory."""
_LONGEST_NAME = 24
"""Characters: more than any parameter's name that tells a secret, and what stands before it."""
_MEMBER = re.compile(
    r'("((?:access|id|refresh|auth|session|bearer)[_-]?token|client[_-]?(?:secret|assertion)|secret|password|passwd'
    r'|api[_-]?key|private[_-]?key|code[_-]?verifier)"\s*:\s*)"((?:[^"\\]++|\\.)*+)"',
    re.IGNORECASE,
)
_USERINFO = re.compile(r"(://)([^/\s?#@\"'<>]+)@")
_HEX = "[0-9a-fA-F]"
# Four times, not {4}: before 3.11.5 Python takes a group that repeats for more than it has matched (gh-106052).
_JSON_ESCAPES = re.compile(rf"(?<!\\)((?:\\\\)*+)((?:\\u{_HEX}{_HEX}{_HEX}{_HEX})++)")
_ESCAPE = len("\\u0000")
_QUOTED = json.JSONEncoder(ensure_ascii=False).encode
_CHARACTER_REFERENCE = re.compile(r"&#(?:x([0-9a-fA-F]{1,6})|([0-9]{1,7}));")
_COMMITMENT = rf"[0-9a-f]{{{LENGTH}}}"
MARK = re.compile(rf"«redacted:(?P<name>[\w.-]+)(?:~{_COMMITMENT})?»")
"""What stands in place of a secret."""
_ENCODED_MARK = re.compile(rf"%C2%ABredacted(?::|%3A)([\w.-]+)(?:(?:~|%7E)({_COMMITMENT}))?%C2%BB", re.IGNORECASE)
_COMMITTED = re.compile(rf"(«redacted:[\w.-]+)~{_COMMITMENT}»")


def mark(name: str, commitment: str = "") -> str:
    """Return what stands in place of the secret ``name``."""
    plain = re.sub(r"[^a-z0-9_.-]+", "-", name.lower())
    return f"«redacted:{plain}~{commitment}»" if commitment else f"«redacted:{plain}»"


_TOO_MANY = mark("too-many-secrets")


def without_commitments(text: str) -> str:
    """Return ``text`` with the names of its marks only: what two runs with different salts have in common."""
    return _COMMITTED.sub(r"\1»", text)


class Redactor:
    """Knows the secrets of a run by name, and takes them out of whatever is to be recorded.

    Redacting twice gives the same as once. Secrets are found as they are, percent-encoded, escaped for JSON or HTML,
    in base64 and in hexadecimal; credentials that the harness was not told of, by the header, parameter or member that
    they stand in.
    """

    def __init__(self, secrets: Mapping[str, str], salt: bytes = b"") -> None:
        self._salt = salt
        self._secrets: dict[str, str] = {}
        self.add(secrets)

    def add(self, secrets: Mapping[str, str]) -> None:
        """Know these secrets too; a name may stand for several values, as that of a token which is renewed."""
        longer = {name: value for name, value in secrets.items() if len(value) >= SHORTEST}
        self._secrets |= {value: self._marked(value, name) for name, value in longer.items()}
        forms = {form: token for secret, token in self._secrets.items() for form in _forms(secret)}
        forms |= self._secrets  # a secret as it is wins over the encoded form of another one
        self._forms = {form: forms[form] for form in sorted(forms, key=len, reverse=True)}
        self._least = _least(forms)
        self._headers: dict[tuple[str, str], tuple[str, str]] = {}

    def _marked(self, value: str, name: str) -> str:
        """Return what stands for ``value``: the mark that it is already, or one by its name or that of its place."""
        if MARK.fullmatch(value):
            return value
        return mark(name, commit(self._salt, value) if self._salt else "")

    def text(self, text: str) -> str:
        """Return ``text`` (a body, a header's value, a message) without secrets."""
        hidden = self._hidden(text)
        if "\\u" in hidden or "&#" in hidden:  # a secret may be spelt in more ways than can be listed
            spelt = _spelt(hidden)
            again = self._hidden(spelt)
            return hidden if again == spelt else again
        return hidden

    def reason(self, said: Reason) -> Reason:
        """Return ``said`` without secrets, in both languages."""
        return Reason(self.text(said), self.text(said.fr))

    def _hidden(self, text: str) -> str:
        if "%" in text:
            text = _ENCODED_MARK.sub(lambda found: mark(found[1], (found[2] or "").lower()), text)
        # One pattern of all forms tries each at every character; looking for them one by one is many times quicker.
        numbers = [0, 0, 0, 0]
        if [form for form in self._least if form in text]:
            pattern = "|".join(re.escape(form) for form in self._forms if form in text)
            text, numbers[0] = re.subn(pattern, lambda found: self._forms[found[0]], text, count=_MOST_MARKS)
        if "@" in text:
            text, numbers[1] = _USERINFO.subn(
                lambda found: f"{found[1]}{self._marked(found[2], 'userinfo')}@", text, count=_MOST_MARKS
            )
        if "=" in text:
            text, numbers[2] = self._without_parameters(text)
        text, numbers[3] = _MEMBER.subn(
            lambda found: f'{found[1]}"{self._marked(found[3], found[2])}"', text, count=_MOST_MARKS
        )
        return _TOO_MANY if max(numbers) >= _MOST_MARKS else text

    def _without_parameters(self, text: str) -> tuple[str, int]:
        """Return ``text`` without the values of parameters that are named like a secret, and how many there were."""
        pieces: list[str] = []
        end = 0
        for found in _PARAMETER.finditer(text):
            name = _PARAMETER_NAME.search(text, max(0, found.start() - _LONGEST_NAME), found.start())
            if name is not None:
                pieces += (text[end : found.start(1)], self._marked(found[1], name[1]))
                end = found.end()
                if len(pieces) >= 2 * _MOST_MARKS:
                    break
        return ("".join([*pieces, text[end:]]) if pieces else text), len(pieces) // 2

    def url(self, url: str) -> str:
        """Return ``url`` without user information, secret parameters and secrets in any percent-encoding."""
        url = self.text(url)
        before, separator, query = url.partition("?")
        path = "/".join(self._component(part) for part in before.split("/"))
        return path + separator + "".join(self._query(query))

    def _query(self, query: str) -> Iterator[str]:
        """Yield the parameters of a query, block by block."""
        signs_in = any(f"&{name}=" in f"&{query}" for name in _SIGN_IN)
        start = 0
        while start < len(query):
            end = query.find("&", start + _BLOCK) + 1 or len(query)
            parts = [self._component(part) for part in query[start:end].split("&")]
            if signs_in:
                parts = [f"code={self._marked(one[5:], 'code')}" if one.startswith("code=") else one for one in parts]
            yield "&".join(parts)
            start = end

    def _component(self, text: str) -> str:
        if "%" not in text and "+" not in text:
            return text
        plain = unquote_plus(text)
        token = next((token for secret, token in self._secrets.items() if secret in plain), None)
        if token is None:
            return text
        name, equals, _ = text.partition("=")
        return f"{name}={token}" if equals and not self._hides(name) else token

    def _hides(self, text: str) -> bool:
        plain = unquote_plus(text)
        return any(secret in plain for secret in self._secrets)

    def headers(self, headers: Headers) -> Headers:
        """Return ``headers`` with the credentials hidden; the scheme of an Authorization stays."""
        return tuple(self._known_header(pair) for pair in headers)

    def _known_header(self, pair: tuple[str, str]) -> tuple[str, str]:
        """Return a header without its secrets; most of them come again with each exchange."""
        redacted = self._headers.get(pair)
        if redacted is None:
            if len(self._headers) >= _REMEMBERED:
                self._headers.clear()
            name, value = pair
            shown = self._header_name(name)
            redacted = self._headers[pair] = (shown, self._header(name, value, name if shown == name else "header"))
        return redacted

    def _header_name(self, name: str) -> str:
        lower = name.lower()  # as some servers and proxies write names
        long = ((secret, token) for secret, token in self._secrets.items() if len(secret) >= _ALIGNED)
        echoed = next((token for secret, token in long if secret.lower() in lower), None)
        return echoed or self.text(name)

    def _header(self, name: str, value: str, called: str) -> str:
        redacted = self.url(value) if "://" in value else self.text(value)
        if not _SECRET_HEADER.search(name) or not redacted:
            return redacted
        scheme, credentials = credentials_of(name, redacted)
        if not MARK.fullmatch(credentials):
            scheme, original = credentials_of(name, value)
            credentials = self._marked(original, called)
        return f"{scheme} {credentials}" if scheme else credentials

    def body(self, body: bytes) -> bytes:
        """Return ``body`` without secrets; bytes that are not text stay as they are, and JSON stays JSON."""
        encoding, errors = _encoding(body)
        text = body.decode(encoding, errors)
        redacted = self.text(text)
        if redacted == text:
            return body
        if redacted != _TOO_MANY and not _is_json(
            redacted
        ):  # a secret stood there as a number: only a string can hold the mark
            with contextlib.suppress(ValueError, ArithmeticError, RecursionError):
                rebuilt = dumps(self.value(json.loads(text, parse_float=Decimal)))
                redacted = rebuilt if self.text(rebuilt) == rebuilt else redacted
        return redacted.encode(encoding, errors)

    def value(self, value: Any) -> Any:
        """Return a JSON value without secrets in strings, numbers and names, nor in members that are named like one."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self._named(str(key), member) for key, member in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(member) for member in value]
        if value is None or isinstance(value, bool):
            return value
        redacted = self.text(str(value))
        return value if redacted == str(value) else redacted

    def _named(self, name: str, member: Any) -> Any:
        redacted = self.value(member)
        secret = isinstance(redacted, str) and _SECRET_NAME.fullmatch(name) and name.lower() != "token"
        return self._marked(redacted, name) if secret else redacted

    def request(self, request: Request) -> Request:
        """Return ``request`` as it may be recorded."""
        return replace(
            request,
            url=self.url(request.url),
            headers=self.headers(request.headers),
            body=self._typed_body(request.headers, request.body),
        )

    def response(self, response: Response) -> Response:
        """Return ``response`` as it may be recorded."""
        return replace(
            response,
            headers=self.headers(response.headers),
            body=self._typed_body(response.headers, response.body),
        )

    def _typed_body(self, headers: Headers, body: bytes) -> bytes:
        if "x-www-form-urlencoded" in (header(headers, "content-type") or "").lower():
            return self.url("?" + body.decode("utf-8", "surrogateescape"))[1:].encode("utf-8", "surrogateescape")
        return self.body(body)

    def command(self, arguments: Sequence[str]) -> tuple[str, ...]:
        """Return a command line without secrets: values of ``--token`` and the like, ``Name: value`` headers, URLs."""
        redacted: list[str] = []
        option = ""
        for argument in arguments:
            name, equals, value = argument.partition("=")
            if _is_secret_option(option):
                redacted.append(self._marked(argument, option.lstrip("-")))
            elif equals and _is_secret_option(name):
                redacted.append(f"{name}={self._marked(value, name.lstrip('-'))}")
            else:
                redacted.append(self._argument(argument))
            option = argument
        return tuple(redacted)

    def _argument(self, argument: str) -> str:
        name, colon, value = argument.partition(":")
        if colon and not value.startswith("//") and _SECRET_HEADER.search(name):
            return f"{name}: {self._header(name, value.strip(), name)}"
        return self.url(argument) if "://" in argument else self.text(argument)


def _split(value: str) -> tuple[str, str]:
    """Return the scheme of an Authorization header (empty when there is none) and its credentials."""
    scheme = _SCHEME.match(value)
    return (scheme[0], value[scheme.end() :].strip()) if scheme else ("", value)


def credentials_of(name: str, value: str) -> tuple[str, str]:
    """Return the scheme and the credentials of a header: only those of RFC 9110, section 11.6, have a scheme."""
    return _split(value) if name.lower() in ("authorization", "proxy-authorization") else ("", value)


def is_secret_header(name: str) -> bool:
    """Tell whether a header of this name holds credentials."""
    return _SECRET_HEADER.search(name) is not None


def is_public_header(name: str) -> bool:
    """Tell whether a header of this name is known to hold none: what others hold, nobody but their maker knows."""
    return _PUBLIC_HEADER.fullmatch(name) is not None


def _is_secret_option(option: str) -> bool:
    return option.startswith("-") and _SECRET_NAME.search(option) is not None


def _encoding(body: bytes) -> tuple[str, str]:
    """Return the encoding of a body as who reads its JSON finds it, and how to treat what is none."""
    encoding = json.detect_encoding(body)
    if encoding != "utf-8":
        with contextlib.suppress(UnicodeDecodeError):
            body.decode(encoding)
            return encoding, "strict"
    return "utf-8", "surrogateescape"


def _spelt(text: str) -> str:
    """Return ``text`` with the characters that JSON and XML escape for no need written as they are."""

    def json_characters(found: re.Match[str]) -> str:
        escapes = found[2]
        # Nearly all are single, and a parser takes many times as long for a body that is full of them.
        characters = chr(int(escapes[2:], 16)) if len(escapes) == _ESCAPE else json.loads(f'"{escapes}"')
        if any("\ud800" <= character <= "\udfff" for character in characters):
            return found[0]
        return found[1] + _QUOTED(characters)[1:-1]

    def xml_character(found: re.Match[str]) -> str:
        number = int(found[1], 16) if found[1] else int(found[2])
        character = chr(number) if 32 <= number < 0xD800 or 0xE000 <= number < 0x110000 else ""
        return character if character and character not in "<>&\"'" else found[0]

    return _CHARACTER_REFERENCE.sub(xml_character, _JSON_ESCAPES.sub(json_characters, text))


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _forms(secret: str) -> set[str]:
    data = secret.encode("utf-8", "surrogateescape")
    quoted = {quote(data, safe=safe) for safe in ("", "/", ":/,$~", "!$&'()*+,;=:@/?~")} | {quote_plus(data)}
    lowered = {re.sub("%[0-9A-F]{2}", lambda found: found[0].lower(), form) for form in quoted}
    escaped = {json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)}
    escaped |= {form.replace("/", "\\/") for form in escaped}
    escaped |= {json.dumps(form, ensure_ascii=False)[1:-1] for form in escaped}  # JSON quoted in a JSON string
    escaped |= {html.escape(secret), html.escape(secret, quote=False)}
    plain = base64.b64encode(data).decode("ascii")
    encoded = {plain, plain.rstrip("=")}
    if len(data) >= _ALIGNED:
        encoded |= {_inner_base64(data, offset) for offset in range(3)}
    encoded |= {form.replace("+", "-").replace("/", "_") for form in encoded}
    digits = {data.hex(), data.hex().upper()}
    return {form for form in quoted | lowered | escaped | encoded | digits if len(form) >= SHORTEST}


def _least(forms: Collection[str]) -> tuple[str, ...]:
    """Return the forms that hold no other one: a text without these has none at all."""
    least: list[str] = []
    for form in sorted(forms, key=len):
        if not any(other in form for other in least):
            least.append(form)
    return tuple(least)


def _inner_base64(data: bytes, offset: int) -> str:
    """Return the characters that ``data`` always gives ``offset`` bytes (mod 3) into something longer."""
    encoded = base64.b64encode(b"\0" * offset + data).decode("ascii").rstrip("=")
    first = (offset * 8 + 5) // 6
    last = (offset + len(data)) * 8 // 6
    return encoded[first:last]
