"""Judging many resources: a map over chunks of them, in this process, a pool of processes or a Dask cluster.

What leaves a worker is text ready to print, so that only strings and counts travel. The answers come in the order of
the resources, and only a few chunks are under way at a time, so that memory does not grow with their number.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import lru_cache
from importlib import import_module
from itertools import chain, islice
from pathlib import Path
from typing import Any

import orjson

from harness.cli.definitions import open_definitions
from harness.cli.inputs import LINE_LIMIT, Item
from harness.errors import HarnessError, UsageError
from harness.fhir import tx
from harness.fhir.definitions import Definitions
from harness.report.inert import printable
from harness.validation.outcome import Issue, Outcome
from harness.validation.validator import Validator

CHUNK = 100
"""Resources a chunk at most."""
_CHUNK_BYTES = 1024 * 1024
_FILE = "http://hl7.org/fhir/StructureDefinition/operationoutcome-file"
_MARKS = {"fatal": "✗", "error": "✗", "warning": "!", "information": "·"}
_WORDS = {
    "en": {"valid": "valid", "undecided": "undecided", "error": "error", "errors": "errors", "profile": "profile"},
    "fr": {"valid": "valide", "undecided": "non décidé", "error": "erreur", "errors": "erreurs", "profile": "profil"},
}


@dataclass(frozen=True)
class Setup:
    """With what to judge and how to print; what a worker needs to know."""

    profiles: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    lang: str = "en"
    as_json: bool = False
    tx: str | None = None
    tx_lock: Path | None = None
    unknown_extensions: str = "error"
    unknown_codes: str = "information"
    must_support: bool = False


@dataclass
class Judged:
    """What came out of a chunk: the text to print, counts of resources, and answers for the terminology lock."""

    text: str = ""
    resources: int = 0
    failed: int = 0
    undecided: int = 0
    answers: list[tx.Locked] = field(default_factory=list)


class _Worker:
    """What one process keeps from chunk to chunk."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._definitions = open_definitions(setup.packages)
        self._terminology = (
            tx.open_terminology(self._definitions, url=setup.tx, lock=setup.tx_lock)
            if setup.tx is not None or setup.tx_lock is not None
            else None
        )
        self._validator = Validator(
            self._definitions,
            terminology=self._terminology,
            lang=setup.lang,
            unknown_extensions=setup.unknown_extensions,
            unknown_codes=setup.unknown_codes,
            must_support=setup.must_support,
        )

    def judge(self, items: Sequence[Item]) -> Judged:
        result = Judged(resources=len(items))
        lines = []
        for item in items:
            outcome = self._outcome(item)
            result.failed += not outcome.ok
            result.undecided += outcome.ok and outcome.undecided
            lines.append(
                self._as_json(item.name, outcome) if self._setup.as_json else self._as_text(item.name, outcome)
            )
        result.text = "\n".join(lines)
        if self._terminology is not None and self._terminology.lock is not None:
            result.answers = self._terminology.lock.drain()
        return result

    def _outcome(self, item: Item) -> Outcome:
        profiles, data = self._setup.profiles, item.data
        if data is None:
            limit = LINE_LIMIT // 1024 // 1024
            detail, detail_fr = f"the line is longer than {limit} MiB", f"la ligne dépasse {limit} Mio"
            return _refused("json-syntax", detail, self._setup.lang, detail_fr)
        if not _is_xml(item):
            return self._validator.validate(data, profiles=profiles)
        try:
            resource = _from_xml(data, self._definitions)
        except HarnessError as problem:
            return _refused("not-a-resource", str(problem), self._setup.lang, problem.message_fr)
        return self._validator.validate(resource, profiles=profiles)

    def _as_json(self, name: str, outcome: Outcome) -> str:
        """One OperationOutcome, with the source of the resource in HL7's extension for it."""
        content = outcome.operation_outcome(self._setup.lang)
        content["extension"] = [{"url": _FILE, "valueString": name}]
        return orjson.dumps(content).decode("utf-8")

    def _as_text(self, name: str, outcome: Outcome) -> str:
        words = _WORDS[self._setup.lang]
        errors = len(outcome.errors)
        counted = f"{errors} {words['error'] if errors == 1 else words['errors']}"
        word = counted if errors else words["undecided"] if outcome.undecided else words["valid"]
        lines = [f"{name}: {word}"]
        for issue in outcome.issues:
            rule = f"{issue.rule}/{issue.constraint}" if issue.constraint else issue.rule
            lines.append(f"  {_MARKS[issue.severity]} {printable(issue.expression)}  [{rule}]")
            lines.append(f"      {printable(issue.message)}")
            if issue.profile:
                lines.append(f"      {words['profile']}: {issue.profile}")
        return "\n".join(lines)


def _refused(rule: str, detail: str, lang: str, detail_fr: str | None = None) -> Outcome:
    return Outcome((Issue(rule, "fatal", "structure", "Resource", detail=detail, detail_fr=detail_fr, lang=lang),))


def _is_xml(item: Item) -> bool:
    start = (item.data or b"").removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    return start == b"<" or (start not in (b"{", b"[") and item.name.lower().endswith(".xml"))


def _from_xml(data: bytes, definitions: Definitions) -> dict[str, Any]:
    # Loaded when the first document is met: who validates JSON should not wait for lxml.
    read: Callable[..., dict[str, Any]] = import_module("harness.fhir.xml").from_xml
    return read(data, definitions, limit=None)


@lru_cache(maxsize=1)
def _worker(setup: Setup) -> _Worker:
    return _Worker(setup)


def judge_chunk(setup: Setup, items: Sequence[Item]) -> Judged:
    """Judge ``items``; runs where the executor runs it. Raises HarnessError for a setup that cannot be used."""
    return _worker(setup).judge(items)


def chunked(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield ``items`` in lists of at most CHUNK resources, and of about a mebibyte."""
    chunk: list[Item] = []
    size = 0
    for item in items:
        chunk.append(item)
        size += len(item.data or b"")
        if len(chunk) >= CHUNK or size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def judge_all(setup: Setup, items: Iterable[Item], jobs: int, executor: str | None = None) -> Iterator[Judged]:
    """Yield what came out of each chunk, in order. One chunk is judged here unless ``executor`` names a cluster.

    ``jobs`` is the number of processes; ``executor`` is ``dask://host:port``. Raises HarnessError.
    """
    chunks = chunked(items)
    first = list(islice(chunks, 2))
    if executor is None and (jobs == 1 or len(first) < 2):
        yield from (judge_chunk(setup, chunk) for chunk in chain(first, chunks))
        return
    with _open_executor(executor, jobs) as pool:
        yield from _mapped(pool, setup, chain(first, chunks), 2 * jobs + 2)


def _mapped(pool: Executor, setup: Setup, chunks: Iterable[list[Item]], window: int) -> Iterator[Judged]:
    """As ``pool.map``, with at most ``window`` chunks under way."""
    waiting: deque[Future[Judged]] = deque()
    try:
        for chunk in chunks:
            waiting.append(pool.submit(judge_chunk, setup, chunk))
            if len(waiting) >= window:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()


def _open_executor(executor: str | None, jobs: int) -> Executor:
    if executor is None:
        # Loaded when there is work for it: one file is judged without any process but this.
        pool: Executor = import_module("concurrent.futures").ProcessPoolExecutor(jobs)
        return pool
    scheme, _, address = executor.partition("://")
    if scheme != "dask" or not address:
        raise UsageError(f"{executor}: not an executor that is known here; give dask://host:port")
    try:
        cluster = import_module("distributed")
    except ModuleNotFoundError as problem:
        raise UsageError(f"{executor}: Dask is not installed here; pip install 'fhir-harness[dask]'") from problem
    try:
        client = cluster.Client(f"tcp://{address}", timeout=10, set_as_default=False)
    except (OSError, ValueError) as problem:
        raise UsageError(f"{executor}: the cluster cannot be reached: {problem}") from problem
    found: Executor = client.get_executor(pure=False)
    return found


def default_jobs() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
