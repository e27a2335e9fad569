"""The terminal: progress while the run goes on, then what failed and why, then a summary. Fits 80 columns."""

import shutil
from collections.abc import Mapping
from typing import Any, TextIO

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from harness.engine.codes import Language
from harness.engine.curl import curl
from harness.engine.events import Event, Finding, RunStarted, SetFinished, StepFinished, TestFinished, TestStarted
from harness.engine.exchange import Exchange
from harness.engine.results import RunResult, TestResult
from harness.engine.verdict import Verdict
from harness.report.completeness import PROVEN, requirement_verdicts
from harness.report.inert import one_line, pretty_body, printable, status_line
from harness.report.lines import cut, located, place, positions, shown
from harness.report.rules import rules
from harness.report.words import WORDS, Words, counted
from harness.suite.model import Interaction, Requirement

COLOURS = {
    Verdict.ERROR: "magenta",
    Verdict.FAIL: "red",
    Verdict.UNDECIDED: "cyan",
    Verdict.WARN: "yellow",
    Verdict.PASS: "green",
    Verdict.SKIP: "dim",
}
_SHOWN_BODY = 600
_NAMED = 10
"""Tests that never began and are named."""
_MIN_WIDTH = 40
_TABLE = 60
"""Columns that the summary's table needs."""
_NAME = 34
"""Columns of a test set's name."""


class ConsoleWriter:
    """Writes to a terminal or a pipe; nothing that a candidate sent can move the cursor or colour a line."""

    def __init__(self, stream: TextIO, *, language: Language = "en", quiet: bool = False) -> None:
        width = max(_MIN_WIDTH, shutil.get_terminal_size((80, 24)).columns)
        self._console = Console(file=stream, width=min(width, 120), highlight=False, soft_wrap=False)
        self._words: Words = WORDS[language]
        self._language = language
        self._quiet = quiet
        self._events: list[Event] = []
        self._titles: dict[tuple[str, str], str] = {}
        self._progress: Progress | None = None
        self._rules: Mapping[str, Requirement] = {}
        self._candidate: Mapping[str, Any] = {}
        """As it was recorded."""
        self._attended = False
        """Whether a person makes the candidate act, and waits for each verdict."""

    def open(self) -> None:
        """Begin."""
        self._events.clear()

    def write(self, event: Event) -> None:
        """Show how far the run is."""
        self._events.append(event)
        match event:
            case RunStarted():
                self._begin(event)
            case TestStarted():
                title = event.title.get(self._language) or event.test
                self._titles[event.test_set, event.test] = title
                if self._progress is not None:
                    self._progress.update(self._progress.task_ids[0], description=one_line(title, 40))
            case TestFinished():
                if self._attended:
                    self._ended(event)
                if self._progress is not None:
                    self._progress.advance(self._progress.task_ids[0])
            case SetFinished() if not self._quiet:
                self._set_line(event)

    def close(self) -> None:
        """Show failures and the summary."""
        if self._progress is not None:
            self._progress.stop()
            self._progress = None
        if not self._events:
            return
        run = RunResult.read(self._events)
        for test in run.tests:
            if test.verdict in (Verdict.ERROR, Verdict.FAIL, Verdict.UNDECIDED, Verdict.WARN):
                self._failure(test)
        self._summary(run)

    def _begin(self, event: RunStarted) -> None:
        self._rules = rules(event)
        self._candidate = event.candidate
        self._attended = event.candidate.get("kind") == "client" and "command" not in event.candidate
        total = sum(len(source.tests) for source in event.test_sets)
        address = one_line(str(event.candidate.get("base-url", "")), 60)
        self._line(0, f"fhir-harness {event.harness}  {address}")
        sets, tests = counted(len(event.test_sets), self._words.test_sets), counted(total, self._words.tests)
        self._line(0, self._words.overview.format(sets=sets, tests=tests, seed=event.seed), "dim")
        if self._console.is_terminal and not self._quiet:
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=None),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                console=self._console,
                transient=True,
            )
            self._progress.add_task("", total=total)
            self._progress.start()

    def _ended(self, event: TestFinished) -> None:
        """Tell the person who makes a client act what came of it."""
        self._headed(event.verdict, " ", printable(self._titles.get((event.test_set, event.test), event.test)))

    def _set_line(self, event: SetFinished) -> None:
        ended = [e for e in self._events if isinstance(e, TestFinished) and e.test_set == event.test_set]
        parts = Text()
        for verdict in Verdict:
            number = sum(e.verdict is verdict for e in ended)
            if number:
                parts.append(f"  {number} {self._words.verdicts[verdict]}", style=COLOURS[verdict])
        name = one_line(event.test_set, _NAME)
        if _NAME + len(parts) <= self._console.width:
            self._console.print(Text(f"{name:{_NAME}}"), parts, sep="")
        else:
            self._console.print(Text(name))
            self._console.print(parts)
        for left in event.leftovers:
            self._told(2, self._words.leftover, left, "yellow")

    def _failure(self, test: TestResult) -> None:
        name = f"{test.started.test_set}/{test.started.test}"
        self._console.print()
        self._headed(test.verdict, " ", printable(name))
        title = test.started.title.get(self._language, "")
        self._line(2, printable(title))
        for name in test.started.verifies:
            rule = self._rules.get(name)
            self._told(2, self._words.requirements, f"{name}{f' ({rule.source})' if rule else ''}", "dim")
        shown = False
        for step in test.steps:
            findings = [finding for check in step.checks for finding in check.findings]
            if findings:
                self._step(step, findings)
                shown = True
        for finding in test.finished.findings if test.finished else ():
            self._finding(finding)
            shown = True
        if not shown:
            self._line(2, printable(test.reason))

    def _step(self, step: StepFinished, findings: list[Finding]) -> None:
        where = f"  ({step.location})" if step.location else ""
        self._told(2, f"{self._words.step} {step.index + 1}", f"{one_line(step.summary, 60)}{where}", "bold")
        awaited = step.interaction == Interaction.AWAIT
        about = {finding.exchange for finding in findings}
        for finding in findings:
            self._finding(finding)
        for index, exchange in enumerate(step.exchanges):
            if index in about or (None in about and not awaited):
                places = [finding.expression for finding in findings if (finding.exchange or 0) == index]
                self._exchange(exchange, places, awaited=awaited)

    def _exchange(self, exchange: Exchange, places: list[str], *, awaited: bool) -> None:
        request, answer = exchange.request, exchange.response
        came = self._words.received if awaited else self._words.sent
        self._told(4, came, f"{request.method} {request.url}")
        self._body(request.body, places if awaited else [])
        self._told(4, self._words.answered, status_line(exchange, self._language))
        self._body(answer.body if answer else b"", [] if awaited else places)
        if not awaited:
            command = printable(curl(exchange, self._candidate))
            # In one line, however long: what is broken off cannot be pasted.
            self._console.print(Text(f"    {self._words.repeat}{self._words.colon} {command}", "dim"), soft_wrap=True)

    def _body(self, body: bytes, places: list[str]) -> None:
        """The part of a body around what was found in it, else its beginning."""
        lines = located(pretty_body(body)) if body else []
        first = positions(lines)
        marked = {at for one in places if (at := place(first, one)) is not None}
        last = -1
        for index in shown(lines, marked, _SHOWN_BODY):
            if index > last + 1:
                self._body_line("…")
            self._body_line(lines[index].text, "bold" if index in marked else "dim")
            last = index
        if last < len(lines) - 1:
            self._body_line(f"… (+{len(lines) - 1 - last})")

    def _body_line(self, text: str, style: str = "dim") -> None:
        content = text.lstrip(" ")
        self._line(6 + len(text) - len(content), cut(content), style)

    def _finding(self, finding: Finding) -> None:
        message = finding.message_fr if self._language == "fr" and finding.message_fr else finding.message
        self._line(4, f"✗ {printable(message)}", COLOURS[finding.verdict])
        if finding.waived:
            self._told(6, self._words.waived, finding.waived, "yellow")
        for label, value in (
            (self._words.place, finding.expression),
            (self._words.expected, finding.expected),
            (self._words.found, finding.found),
            (self._words.profile, finding.profile),
        ):
            if value:
                self._told(6, label, value)

    def _summary(self, run: RunResult) -> None:
        self._console.print()
        if self._console.width >= _TABLE:
            self._console.print(self._table(run))
            self._console.print()
        verdicts = requirement_verdicts(run).values()
        met = sum(verdict in PROVEN for verdict in verdicts)
        tests = counted(len(run.tests), self._words.tests)
        totals = self._words.totals.format(tests=tests, met=met, requirements=len(verdicts))
        self._headed(run.verdict, "  ", totals)
        for name in run.finished.waivers_unmet if run.finished else ():
            self._told(2, self._words.waiver_unmet, name, "yellow")
        for test_set, test in run.missing[:_NAMED]:
            self._told(2, self._words.never_began, f"{test_set}/{test}", "magenta")
        if (more := len(run.missing) - _NAMED) > 0:
            self._told(2, self._words.never_began, f"… (+{more})", "magenta")

    def _table(self, run: RunResult) -> Table:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(self._words.test_set, overflow="ellipsis", no_wrap=True)
        for verdict in Verdict:
            table.add_column(self._words.verdicts[verdict], justify="right", no_wrap=True)
        for source in run.started.test_sets:
            verdicts = [test.verdict for test in run.tests if test.started.test_set == source.id]
            cells = [Text(str(verdicts.count(v) or "·"), style=COLOURS[v] if v in verdicts else "dim") for v in Verdict]
            table.add_row(Text(source.id), *cells)
        return table

    def _told(self, indent: int, label: str, value: str, style: str = "") -> None:
        self._line(indent, f"{label}{self._words.colon} {printable(value)}", style)

    def _headed(self, verdict: Verdict | None, space: str, text: str) -> None:
        """Print a paragraph that begins with a verdict, or that nothing ran."""
        word = self._words.verdicts[verdict] if verdict else self._words.nothing
        style = f"bold {COLOURS[verdict]}" if verdict else "bold"
        self._wrapped(0, Text.assemble((f"{word.upper()}{space}", style), text))

    def _line(self, indent: int, text: str, style: str = "") -> None:
        self._wrapped(indent, Text(text, style=style))

    def _wrapped(self, indent: int, text: Text) -> None:
        """Print one paragraph; where it wraps, the following lines keep its indent."""
        indent = min(indent, self._console.width // 2)
        for line in text.wrap(self._console, self._console.width - indent):
            line.rstrip()
            self._console.print(Text.assemble(" " * indent, line), soft_wrap=True)
