"""What the profiles say of a request that came, and what the sandbox said of it: the verdict that the page shows."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Literal

import orjson

from harness.errors import HarnessError
from harness.fhir.xml import from_xml
from harness.sandbox.console.traffic import Body, Exchange
from harness.sandbox.negotiation import FORMATS, media_type
from harness.validation.outcome import Issue, Outcome
from harness.validation.validator import Validator

Verdict = Literal["pass", "warn", "undecided", "fail", "skip"]
"""Of the content that was sent; the words are those of verdicts of tests."""
_REMEMBERED = 500


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is said of one exchange.

    ``kind`` names what was sent (``Bundle: Observation, Device``); ``issues`` is what validation found; ``reasons`` is
    what the answer gave as reasons of a refusal; ``problem`` why nothing could be judged, in French and English.
    """

    verdict: Verdict
    kind: str = ""
    issues: tuple[Issue, ...] = ()
    reasons: tuple[str, ...] = ()
    problem: tuple[str, str] | None = None


class Judge:
    """Judges exchanges when somebody looks at them, each once. Safe in several threads."""

    def __init__(self, validator: Validator) -> None:
        self._validator = validator
        self._known: OrderedDict[int, Judgement] = OrderedDict()
        self._lock = threading.Lock()

    def judge(self, exchange: Exchange) -> Judgement:
        """The judgement of ``exchange``."""
        with self._lock:
            if exchange.number not in self._known:
                self._known[exchange.number] = self._judged(exchange)
                while len(self._known) > _REMEMBERED:
                    self._known.popitem(last=False)
            return self._known[exchange.number]

    def _judged(self, exchange: Exchange) -> Judgement:
        reasons = _reasons(exchange.answer) if exchange.status >= 400 else ()
        form = FORMATS.get(media_type(exchange.header("content-type"))[0])
        if not exchange.body.length or exchange.method == "PATCH" or exchange.service == "oauth" or form is None:
            return Judgement("skip", reasons=reasons)
        if not exchange.body.whole:
            told = ("trop long pour être gardé et jugé ici", "too long to be kept and judged here")
            return Judgement("undecided", reasons=reasons, problem=told)
        resource: dict[str, Any] | bytes = exchange.body.content
        if form == "xml":
            try:
                resource = from_xml(exchange.body.content, self._validator.definitions)
            except HarnessError as error:
                told = (f"ce n'est pas du XML FHIR : {error}", f"not FHIR XML: {error}")
                return Judgement("fail", reasons=reasons, problem=told)
        outcome = self._validator.validate(resource)
        return Judgement(_verdict(outcome), _kind(resource), outcome.issues, reasons)


def _verdict(outcome: Outcome) -> Verdict:
    if not outcome.ok:
        return "fail"
    if outcome.undecided:
        return "undecided"
    return "warn" if any(issue.severity == "warning" for issue in outcome.issues) else "pass"


def _kind(resource: dict[str, Any] | bytes) -> str:
    """The type of a resource, and of those in a Bundle."""
    if isinstance(resource, bytes):
        try:
            parsed = orjson.loads(resource)
        except ValueError:
            return ""
        return _kind(parsed) if isinstance(parsed, dict) else ""
    type_ = str(resource.get("resourceType", ""))[:64]
    entries = resource.get("entry")
    if type_ != "Bundle" or not isinstance(entries, list):
        return type_
    inner = dict.fromkeys(_types(entries))
    return f"{type_}: {', '.join(list(inner)[:6])}" if inner else type_


def _types(entries: Iterable[Any]) -> Iterable[str]:
    for entry in entries:
        carried = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(carried, dict) and carried.get("resourceType"):
            yield str(carried["resourceType"])[:64]


def _reasons(answer: Body) -> tuple[str, ...]:
    """What an OperationOutcome, or an OAuth error, gives as reasons."""
    try:
        told = orjson.loads(answer.content)
    except ValueError:
        return ()
    if not isinstance(told, dict):
        return ()
    if "error" in told:
        return (" ".join(str(told[name]) for name in ("error", "error_description") if name in told),)
    issues = told.get("issue")
    found = [issue for issue in issues if isinstance(issue, dict)] if isinstance(issues, list) else []
    return tuple(str(text) for text in map(_reason, found) if text)[:10]


def _reason(issue: dict[str, Any]) -> object:
    details = issue.get("details")
    return (details.get("text") if isinstance(details, dict) else None) or issue.get("diagnostics")
