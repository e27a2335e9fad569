"""The answer lock: what a terminology server said, with the date and a digest, so that a later run judges the same.

One JSON file: ``{"format": "harness-tx-lock-1", "answers": [{"question", "answer", "server", "date", "digest"}],
"digest"}``. The digest of an answer covers all the rest of it (RFC 8785, SHA-256), that of the file all digests in
their order: an answer that was changed, taken out or moved is noticed, and the whole lock is refused.
"""

import hashlib
import os
import tempfile
import threading
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import orjson
import rfc8785

from harness.errors import DefinitionError
from harness.fhir.tx.server import Question, Reply

FORMAT = "harness-tx-lock-1"


class TxLockError(DefinitionError):
    """The answer lock cannot be read or written, or is not what was written: which answer, and what to do."""


@dataclass(frozen=True, slots=True)
class Locked:
    """One answer: who said it (``server``, a base URL) and when (``date``, an instant in UTC)."""

    question: Question
    reply: Reply
    server: str
    date: str

    def row(self) -> dict[str, Any]:
        """The answer as the lock holds it, with its digest."""
        stated = {
            "question": {k: v for k, v in asdict(self.question).items() if v is not None},
            "answer": {k: v for k, v in asdict(self.reply).items() if k != "lasting" and v not in (None, "")},
            "server": self.server,
            "date": self.date,
        }
        return {**stated, "digest": _digest(stated)}


class AnswerLock:
    """The answers of one lock file. ``record`` keeps one in memory, :meth:`save` writes the file when there are new."""

    def __init__(self, path: Path, *, must_exist: bool = False, data: bytes | None = None) -> None:
        """Read the lock, or the contents ``data`` of one; it is empty when there is no file yet.

        Raises TxLockError when it was altered, or has to exist.
        """
        self.path = path
        self._answers: dict[Question, Locked] = {}
        self._new: list[Locked] = []
        self._mutex = threading.Lock()
        if data is not None or path.exists():
            for entry in _read(path) if data is None else _parse(data, path):
                self._answers[entry.question] = entry
        elif must_exist:
            raise TxLockError(f"{path}: no such terminology lock; make it with --tx URL --tx-lock {path}")

    def __len__(self) -> int:
        return len(self._answers)

    def get(self, question: Question) -> Locked | None:
        """Return the recorded answer to ``question``, None when there is none."""
        return self._answers.get(question)

    def record(self, question: Question, reply: Reply, server: str) -> None:
        """Keep a reply that lasts, dated now; the first answer to a question stays."""
        self.add(dated(question, reply, server))

    def add(self, answers: Iterable[Locked]) -> None:
        """Keep answers that were recorded elsewhere, by another process of the same run."""
        with self._mutex:
            for entry in answers:
                if entry.question not in self._answers:
                    self._answers[entry.question] = entry
                    self._new.append(entry)

    def drain(self) -> list[Locked]:
        """Return what was recorded since the last call, and forget that it is new."""
        with self._mutex:
            fresh, self._new = self._new, []
            return fresh

    def save(self) -> None:
        """Write the file, whole or not at all, when there is something new. Raises TxLockError."""
        if not self.drain():
            return
        try:
            handle, name = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.name, suffix=".new")
            with os.fdopen(handle, "wb") as file:
                file.write(written(self._answers.values()))
            Path(name).chmod(0o644)
            Path(name).replace(self.path)
        except OSError as problem:
            raise TxLockError(f"{self.path}: the terminology lock cannot be written: {problem.strerror}") from problem


def dated(question: Question, reply: Reply, server: str) -> list[Locked]:
    """Return ``reply`` as an answer of today, nothing where it says nothing that lasts."""
    if not reply.lasting or reply.result is None:
        return []
    return [Locked(question, reply, server, f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}")]


def written(answers: Iterable[Locked]) -> bytes:
    """Return the contents of a lock file that holds ``answers``."""
    rows = [entry.row() for entry in sorted(answers, key=_order)]
    content = {"format": FORMAT, "answers": rows, "digest": _digest([row["digest"] for row in rows])}
    return orjson.dumps(content, option=orjson.OPT_INDENT_2) + b"\n"


def _order(entry: Locked) -> tuple[str, ...]:
    question = entry.question
    return tuple(
        v or "" for v in (question.value_set, question.system, question.code, question.version, question.display)
    )


def _digest(value: Any) -> str:
    return "sha256:" + hashlib.sha256(rfc8785.dumps(value)).hexdigest()


def _read(path: Path) -> list[Locked]:
    try:
        return _parse(path.read_bytes(), path)
    except OSError as problem:
        raise TxLockError(f"{path}: the terminology lock cannot be read: {problem.strerror}") from problem


def _parse(data: bytes, path: Path) -> list[Locked]:
    try:
        content = orjson.loads(data)
        rows = content["answers"]
        if content["format"] != FORMAT or not isinstance(rows, list):
            raise TxLockError(f"{path}: not a terminology lock of this harness ({FORMAT}); remove it and ask again")
        entries = [_entry(row, number, path) for number, row in enumerate(rows, 1)]
        if content["digest"] != _digest([row["digest"] for row in rows]):
            raise TxLockError(
                f"{path}: the lock was altered: answers were added, removed or moved; "
                "restore it, or remove it and ask again"
            )
    except (ValueError, KeyError, TypeError) as problem:
        raise TxLockError(
            f"{path}: not a terminology lock ({problem}); restore it, or remove it and ask again"
        ) from problem
    return entries


def _entry(row: Mapping[str, Any], number: int, path: Path) -> Locked:
    entry = Locked(Question(**_whole(row["question"])), Reply(**_said(row["answer"])), row["server"], row["date"])
    stated = {name: value for name, value in row.items() if name != "digest"}
    if row["digest"] != _digest(stated) or entry.row() != row:
        raise TxLockError(
            f"{path}: the lock was altered: answer {number}, on {entry.question.code!r}, is not what was recorded; "
            "restore it, or remove the lock and ask again"
        )
    return entry


def _whole(question: Mapping[str, Any]) -> dict[str, Any]:
    return {"value_set": None, "system": None, **question}


def _said(answer: Mapping[str, Any]) -> dict[str, Any]:
    if not isinstance(answer["result"], bool):
        raise TypeError("an answer has no boolean result")
    return dict(answer)
