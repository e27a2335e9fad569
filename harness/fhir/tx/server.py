"""A FHIR terminology server, asked with ``$validate-code`` for what is not known locally.

Sources: https://hl7.org/fhir/R4/valueset-operation-validate-code.html,
https://hl7.org/fhir/R4/codesystem-operation-validate-code.html
"""

import contextlib
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
import orjson

from harness.errors import HarnessError, UsageError
from harness.reason import Reason, told

_JSON = "application/fhir+json"
_GONE = (404, 410)
_UNKNOWN_CODES = frozenset({"not-found", "unknown", "not-supported"})


@dataclass(frozen=True, slots=True)
class Question:
    """Is ``code`` of ``system`` in ``value_set`` ("url" or "url|version"); without one: is it a code of ``system``?

    ``display`` None asks about the code alone. ``system`` None means a bare code, whose system the value set says.
    """

    value_set: str | None
    system: str | None
    code: str
    version: str | None = None
    display: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said: ``result`` None when it could not answer, and then ``message`` says why.

    ``lasting`` is False for what another try may change (no connection, time-out, overload): it is never recorded.
    """

    result: bool | None
    message: str = ""
    display: str | None = None
    lasting: bool = True


@dataclass(frozen=True, slots=True)
class TxLimits:
    """What a server may cost: seconds an answer, bytes an answer, requests in all, failures in a row."""

    seconds: float = 10.0
    size: int = 1024 * 1024
    requests: int = 50_000
    failures: int = 3


class _TooMuch(HarnessError):
    """The answer is beyond a limit; the text says which."""


class TerminologyServer:
    """Asks one server. No redirect, cookie, proxy or credential of the environment is used; safe from several threads.

    After ``limits.failures`` requests in a row without an answer it is left alone: all further replies say so.
    """

    def __init__(self, base_url: str, limits: TxLimits | None = None) -> None:
        """Raises UsageError for what is no http(s) address, or holds credentials (they would get into the lock)."""
        try:
            url = httpx.URL(base_url)
        except httpx.InvalidURL as problem:
            raise UsageError(f"{base_url}: not an address of a terminology server: {problem}") from problem
        if url.scheme not in ("http", "https") or not url.host or url.userinfo or url.query or url.fragment:
            raise UsageError(
                f"{url.scheme or 'no scheme'}://{url.host}: not an address of a terminology server; "
                "give http(s)://host/path, without user, password, query or fragment"
            )
        self.base_url = str(url).rstrip("/")
        self._limits = limits or TxLimits()
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None
        self._socket: socket.socket | None = None
        self._sent = self._failed = 0
        self._last_problem = Reason("", "")

    def ask(self, question: Question, definition: Mapping[str, Any] | None = None) -> Reply:
        """Return the server's answer; never raises for what the server does.

        ``definition`` is the value set as it is known here: it is sent along when the server does not know it.
        """
        with self._lock:
            kind = "ValueSet" if question.value_set else "CodeSystem"
            reply, unknown = self._request("GET", f"{kind}/$validate-code", _parameters(question))
            if unknown and definition is not None:
                body = _body(question, definition)
                reply, _ = self._request("POST", f"{kind}/$validate-code", {}, body)
            return reply

    def close(self) -> None:
        """Let go of the connection."""
        if self._client is not None:
            self._client.close()
            self._client = None

    def _request(
        self, method: str, path: str, parameters: dict[str, str], body: bytes | None = None
    ) -> tuple[Reply, bool]:
        """Return the reply, and whether the server does not know the value set or code system."""
        if self._failed >= self._limits.failures:
            return Reply(None, self._no_more(self._last_problem), lasting=False), False
        if self._sent >= self._limits.requests:
            limit = Reason(f"{self._sent} requests are the limit", f"la limite est de {self._sent} requêtes")
            return Reply(None, self._no_more(limit), lasting=False), False
        self._sent += 1
        try:
            status, data = self._send(method, path, parameters, body)
        except (httpx.HTTPError, OSError, _TooMuch) as problem:
            self._failed += 1
            said = self._last_problem = _what(problem)
            en, fr = f"{self.base_url} gave no answer: {said}", f"{self.base_url} n'a pas répondu : {said.fr}"
            return Reply(None, Reason(en, fr), lasting=False), False
        if status == 429 or (status >= 500 and not _is_outcome(data)):
            self._failed += 1
            self._last_problem = Reason(f"HTTP {status}", f"HTTP {status}")
            en, fr = f"{self.base_url} answered HTTP {status}", f"{self.base_url} a répondu HTTP {status}"
            return Reply(None, Reason(en, fr), lasting=False), False
        self._failed = 0
        return _read(status, data, self.base_url)

    def _no_more(self, why: Reason) -> Reason:
        return Reason(
            f"{self.base_url} is not asked any more: {why}", f"{self.base_url} n'est plus interrogé : {why.fr}"
        )

    def _send(self, method: str, path: str, parameters: dict[str, str], body: bytes | None) -> tuple[int, bytes]:
        if self._client is None:
            self._client = httpx.Client(timeout=self._limits.seconds, trust_env=False, follow_redirects=False)
        headers = {"Accept": _JSON, "Accept-Encoding": "identity"}
        if body is not None:
            headers["Content-Type"] = _JSON
        request = self._client.build_request(
            method,
            f"{self.base_url}/{path}",
            params=parameters,
            content=body,
            headers=headers,
            extensions={"trace": self._watch},
        )
        over = threading.Event()
        timer = threading.Timer(self._limits.seconds, self._hang_up, (over,))
        timer.daemon = True
        timer.start()
        try:
            return self._received(self._client, request, over)
        except (httpx.HTTPError, OSError):
            if over.is_set():
                raise self._late() from None
            raise
        finally:
            timer.cancel()

    def _received(self, client: httpx.Client, request: httpx.Request, over: threading.Event) -> tuple[int, bytes]:
        data = bytearray()
        response = client.send(request, stream=True)
        try:
            encoding = response.headers.get("content-encoding", "identity")
            if encoding.lower() != "identity":  # what it unpacks to has no bound
                said = encoding[:40]
                raise _TooMuch(f'its answer is encoded ("{said}")', f"sa réponse est encodée (« {said} »)")
            for chunk in response.iter_raw():
                data += chunk
                if len(data) > self._limits.size:
                    size = self._limits.size
                    raise _TooMuch(f"its answer is longer than {size} bytes", f"sa réponse dépasse {size} octets")
        finally:
            response.close()
        if over.is_set():  # what was cut off may look complete
            raise self._late()
        return response.status_code, bytes(data)

    def _late(self) -> _TooMuch:
        most = f"{self._limits.seconds:g} s"
        return _TooMuch(f"no complete answer within {most}", f"pas de réponse complète en {most}")

    def _watch(self, event: str, information: Mapping[str, Any]) -> None:
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._socket = information["return_value"].get_extra_info("socket")

    def _hang_up(self, over: threading.Event) -> None:
        """End a request that takes too long: httpx has a limit for each read, and none for all of them together."""
        over.set()
        if self._socket is not None:
            with contextlib.suppress(OSError):
                socket.socket.shutdown(self._socket, socket.SHUT_RDWR)  # an SSLSocket's own forgets that it is one


def _what(problem: Exception) -> Reason:
    """What kept the server from answering; what the system says is in its own language."""
    said = told(problem)
    return said if said else Reason(type(problem).__name__, type(problem).__name__)


def _parameters(question: Question) -> dict[str, str]:
    """The question as the operation's parameters, by name."""
    system_version = "systemVersion" if question.value_set else "version"
    if question.value_set:
        url, _, version = question.value_set.partition("|")
        named: dict[str, str | None] = {"url": url, "valueSetVersion": version, "system": question.system}
        if question.system is None:
            named["inferSystem"] = "true"
    else:
        named = {"url": question.system}
    named |= {"code": question.code, system_version: question.version, "display": question.display}
    return {name: value for name, value in named.items() if value}


def _body(question: Question, definition: Mapping[str, Any]) -> bytes:
    types = {"url": "valueUri", "system": "valueUri", "code": "valueCode", "inferSystem": "valueBoolean"}
    parts: list[dict[str, Any]] = [{"name": "valueSet", "resource": definition}]
    for name, value in _parameters(question).items():
        if name not in ("url", "valueSetVersion"):
            typed = value == "true" if name == "inferSystem" else value
            parts.append({"name": name, types.get(name, "valueString"): typed})
    return orjson.dumps({"resourceType": "Parameters", "parameter": parts}, default=float)


def _parsed(data: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _is_outcome(data: bytes) -> bool:
    return _parsed(data).get("resourceType") == "OperationOutcome"


def _read(status: int, data: bytes, base_url: str) -> tuple[Reply, bool]:
    resource = _parsed(data)
    if status == 200 and resource.get("resourceType") == "Parameters":
        values = dict(_values(resource))
        result = values.get("result")
        if isinstance(result, bool):
            message, display = values.get("message"), values.get("display")
            shown = display if isinstance(display, str) and display else None
            return Reply(result, message if isinstance(message, str) else "", shown), False
        en, fr = "answered Parameters without a boolean result", "a répondu un Parameters sans résultat booléen"
        return Reply(None, Reason(f"{base_url} {en}", f"{base_url} {fr}")), False
    issues = [i for i in resource.get("issue") or () if isinstance(i, Mapping)]
    said = "; ".join(filter(None, (_said(issue) for issue in issues))) or f"HTTP {status}"
    unknown = status in _GONE or any(issue.get("code") in _UNKNOWN_CODES for issue in issues)
    said = said[:300]
    return Reply(
        None, Reason(f"{base_url} could not answer: {said}", f"{base_url} n'a pas pu répondre : {said}")
    ), unknown


def _values(resource: Mapping[str, Any]) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = []
    for part in resource.get("parameter") or ():
        if isinstance(part, Mapping) and isinstance(part.get("name"), str):
            found.append((part["name"], next((v for k, v in part.items() if k.startswith("value")), None)))
    return found


def _said(issue: Mapping[str, Any]) -> str:
    details = issue.get("details")
    text = details.get("text") if isinstance(details, Mapping) else None
    return " ".join(str(text or issue.get("diagnostics") or issue.get("code") or "").split())
