"""The terminal: progress while the run goes on, then what failed and why, then a summary. Fits 80 columns."""

import shutil
from collections.abc import Mapping
from typing import Any, TextIO

from rich.console import Console
from rich.markup import escape
from rich.padding import Padding
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from harness.engine.codes import Language
from harness.engine.curl import curl
from harness.engine.events import Event, Finding, RunStarted, SetFinished, StepFinished, TestFinished, TestStarted
from harness.engine.exchange import Exchange
from harness.engine.results import RunResult, TestResult
from harness.engine.verdict import Verdict
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
_MIN_WIDTH = 60


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
        self._console.print(f"fhir-harness {event.harness}  {escape(address)}")
        sets, tests = counted(len(event.test_sets), self._words.test_sets), counted(total, self._words.tests)
        self._console.print(self._words.overview.format(sets=sets, tests=tests, seed=event.seed), style="dim")
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
        self._console.print(
            Text(f"{self._words.verdicts[event.verdict].upper()} ", style=f"bold {COLOURS[event.verdict]}"),
            Text(self._titles.get((event.test_set, event.test), event.test)),
            sep="",
        )

    def _set_line(self, event: SetFinished) -> None:
        ended = [e for e in self._events if isinstance(e, TestFinished) and e.test_set == event.test_set]
        parts = Text()
        for verdict in Verdict:
            number = sum(e.verdict is verdict for e in ended)
            if number:
                parts.append(f"  {number} {self._words.verdicts[verdict]}", style=COLOURS[verdict])
        self._console.print(Text(f"{one_line(event.test_set, 34):34}"), parts, sep="")
        for left in event.leftovers:
            self._line(2, f"{self._words.leftover}: {printable(left)}", "yellow")

    def _failure(self, test: TestResult) -> None:
        name = f"{test.started.test_set}/{test.started.test}"
        self._console.print()
        self._console.print(
            Text(f"{self._words.verdicts[test.verdict].upper()} ", style=f"bold {COLOURS[test.verdict]}"),
            Text(name),
            sep="",
        )
        title = test.started.title.get(self._language, "")
        self._line(2, title)
        for name in test.started.verifies:
            rule = self._rules.get(name)
            self._line(2, f"{self._words.requirements}: {name}{f' ({rule.source})' if rule else ''}", "dim")
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
        self._console.print(
            Text(f"  {self._words.step} {step.index + 1}: {one_line(step.summary, 60)}{where}", style="bold")
        )
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
        self._line(4, f"{came}: {request.method} {printable(request.url)}")
        self._body(request.body, places if awaited else [])
        self._line(4, f"{self._words.answered}: {status_line(exchange, self._language)}")
        self._body(answer.body if answer else b"", [] if awaited else places)
        if not awaited:
            command = printable(curl(exchange, self._candidate))
            # In one line, however long: what is broken off cannot be pasted.
            self._console.print(Text(f"    {self._words.repeat}: {command}", style="dim"), soft_wrap=True)

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
        self._console.print(Text(f"      {cut(text)}", style=style, overflow="ellipsis", no_wrap=True))

    def _finding(self, finding: Finding) -> None:
        message = finding.message_fr if self._language == "fr" and finding.message_fr else finding.message
        self._line(4, f"✗ {printable(message)}", COLOURS[finding.verdict])
        if finding.waived:
            self._line(6, f"{self._words.waived}: {printable(finding.waived)}", "yellow")
        for label, value in (
            (self._words.place, finding.expression),
            (self._words.expected, finding.expected),
            (self._words.found, finding.found),
            (self._words.profile, finding.profile),
        ):
            if value:
                self._line(6, f"{label}: {printable(value)}")

    def _summary(self, run: RunResult) -> None:
        table = Table(box=None, pad_edge=False, header_style="bold")
        table.add_column(self._words.test_set, overflow="ellipsis", no_wrap=True)
        for verdict in Verdict:
            table.add_column(self._words.verdicts[verdict], justify="right", no_wrap=True)
        for source in run.started.test_sets:
            verdicts = [test.verdict for test in run.tests if test.started.test_set == source.id]
            cells = [Text(str(verdicts.count(v) or "·"), style=COLOURS[v] if v in verdicts else "dim") for v in Verdict]
            table.add_row(Text(source.id), *cells)
        self._console.print()
        self._console.print(table)
        requirements = run.requirements()
        met = sum(
            all(test.verdict in (Verdict.PASS, Verdict.WARN) for test in tests) for tests in requirements.values()
        )
        overall = run.verdict
        word = self._words.verdicts[overall] if overall else self._words.nothing
        tests = counted(len(run.tests), self._words.tests)
        self._console.print()
        self._console.print(
            Text(f"{word.upper()}  ", style=f"bold {COLOURS[overall]}" if overall else "bold"),
            Text(self._words.totals.format(tests=tests, met=met, requirements=len(requirements))),
            sep="",
        )
        for name in run.finished.waivers_unmet if run.finished else ():
            self._line(2, f"{self._words.waiver_unmet}: {printable(name)}", "yellow")
        for test_set, test in run.missing[:10]:
            self._line(2, f"{self._words.never_began}: {test_set}/{test}", "magenta")

    def _line(self, indent: int, text: str, style: str = "") -> None:
        """Print one paragraph; where it wraps, the following lines keep its indent."""
        self._console.print(Padding(Text(text, style=style), (0, 0, 0, indent), expand=False))
