"""One exchange as people and reports are shown it: names in place of identifiers, and what was judged."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from harness.sandbox import codec
from harness.sandbox.console.judging import Judge, Judgement
from harness.sandbox.console.traffic import Body, Exchange
from harness.sandbox.measures.population import Registry
from harness.sandbox.problems import Problem

SHOWN_BODY = 20_000
"""Characters of a body that a page shows; the JSON report has all that is kept."""
Row = dict[str, Any]


class View:
    """Makes rows, with the names that ``registry`` knows."""

    def __init__(self, registry: Registry, judge: Judge) -> None:
        self._registry = registry
        self._judge = judge

    def row(self, exchange: Exchange) -> Row:
        """``exchange`` as JSON takes it. ``good`` is False when there is something to mend."""
        judged = self._judge.judge(exchange)
        moment = datetime.fromtimestamp(exchange.at, UTC)
        return {
            "number": exchange.number,
            "at": moment.strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
            "elapsed-ms": round(exchange.elapsed * 1000, 1),
            "service": exchange.service,
            "method": exchange.method,
            "target": exchange.target,
            "status": exchange.status,
            "answer-class": _answer_class(exchange.status),
            "good": judged.verdict in {"pass", "skip"} and exchange.status < 400,
            "solution": self._solution(exchange.solution),
            "patient": self._patient(exchange.idpe),
            **_judged(judged),
            "request": {"headers": dict(exchange.headers), **_body(exchange.body)},
            "answer": {"headers": dict(exchange.answer_headers), **_body(exchange.answer)},
        }

    def _solution(self, oid: str | None) -> dict[str, str] | None:
        known = self._registry.solutions.get(oid or "")
        return {"oid": known.oid, "name": known.name} if known else None

    def _patient(self, idpe: str | None) -> dict[str, str] | None:
        known = self._registry.patients.get(idpe or "")
        return {"idPe": known.idpe, "name": f"{known.given} {known.family}"} if known else None


def readable(row_body: Mapping[str, Any]) -> str:
    """A body for people: JSON laid out, its numbers as they were sent; cut to what a page shows."""
    text: str = row_body["body"]
    if row_body["length"] == row_body["kept"] and text[:1] in {"{", "["}:
        try:
            text = codec.emit(codec.parse(text.encode()), pretty=True).decode()
        except (Problem, TypeError):  # TypeError: numbers and texts that JSON can hold and orjson cannot
            return text[:SHOWN_BODY]
    return text if len(text) <= SHOWN_BODY else text[:SHOWN_BODY] + "\n…"


def _answer_class(status: int) -> str:
    return "pass" if status < 300 else "skip" if status < 400 else "fail" if status < 500 else "error"


def _judged(judged: Judgement) -> Row:
    issues = [
        {
            "severity": issue.severity,
            "rule": issue.rule,
            "expression": issue.expression,
            "profile": issue.profile,
            "undecided": issue.undecided,
            "message": {"fr": issue.text("fr"), "en": issue.text("en")},
        }
        for issue in judged.issues
    ]
    problem = {"fr": judged.problem[0], "en": judged.problem[1]} if judged.problem else None
    return {
        "verdict": judged.verdict,
        "kind": judged.kind,
        "issues": issues,
        "reasons": list(judged.reasons),
        "problem": problem,
    }


def _body(body: Body) -> Row:
    return {"length": body.length, "kept": len(body.content), "body": body.text}
