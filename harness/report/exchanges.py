"""Steps and their exchanges as HTML: each finding next to the line it is about, and what differs from what was sent."""

import re
from collections.abc import Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from typing import Any

from markupsafe import Markup

from harness.engine.curl import curl
from harness.engine.events import CheckResult, Finding, StepFinished
from harness.engine.exchange import Exchange, Headers
from harness.report.inert import pretty_body, status_line
from harness.report.lines import Line, changed, cut, located, place, positions, shown
from harness.report.markup import MARKS, escaped, spans
from harness.report.xml_layout import Path
from harness.suite.model import Interaction

_LADDER = ((20_000, 1_500), (8_000, 1_000), (4_000, 600), (2_000, 300), (800, 150))
"""Characters of a body: in a step with findings, and in one where all held, where it is there for orientation."""
_KEPT = 20_000
"""Bytes of a body whose layout is kept: longer ones are as long as any that is shown, and printed when they are."""
_PER_TEST = 5_000
"""Characters of bodies that a test may take on average, so that 500 tests fit into 5 MB."""
_LEAST = 400_000
_MOST_BOXES = 25
"""Findings of a step that are shown with all they tell; the JSON report has the others."""
_MOST_NOTES = 200
"""Findings of a message that stand at their line."""
_HEADER = re.compile(r"[A-Za-z][A-Za-z0-9-]*")
_LABELS = (
    ("expression", "Where", "Où"),
    ("expected", "Expected", "Attendu"),
    ("found", "Found", "Trouvé"),
    ("profile", "Profile", "Profil"),
    ("definition", "Element", "Élément"),
    ("constraint", "Constraint", "Contrainte"),
    ("requirements", "Requirements", "Exigences"),
    ("code", "Code", "Code"),
    ("location", "Demanded by", "Demandé par"),
    ("waived", "Waived", "Dérogation"),
)
"""What a finding tells, in this order, in both languages."""


def findings_of(step: StepFinished) -> list[Finding]:
    """Return the findings of every check of a step."""
    return [finding for check in step.checks for finding in check.findings]


@dataclass
class _Placed:
    """A finding, and where its line stands on the page once that is known."""

    finding: Finding
    anchor: str = ""
    line: int = 0


class Steps:
    """Prints the steps of one page: how much of a body is shown depends on how much there is on the whole page."""

    def __init__(self, steps: Iterable[StepFinished], tests: int, candidate: Mapping[str, Any] | None = None) -> None:
        """Look at all ``steps`` of the page, which belong to ``tests`` tests of the recorded ``candidate``."""
        self._candidate = candidate
        self._short = cache(pretty_body)
        self._anchors = 0
        budget = max(_LEAST, tests * _PER_TEST)
        sizes: tuple[list[int], list[int]] = ([], [])
        for step in steps:
            sizes[not findings_of(step)].extend(self._sizes(step))
        self._with_findings, self._without = next(
            (most for most in _LADDER if sum(min(size, most[k]) for k in (0, 1) for size in sizes[k]) <= budget),
            _LADDER[-1],
        )

    def _sizes(self, step: StepFinished) -> Iterator[int]:
        for exchange in step.exchanges:
            for message in (exchange.request, exchange.response):
                if message is not None and message.body:
                    yield len(message.body) if len(message.body) > _KEPT else len(self._pretty(message.body))

    def _pretty(self, body: bytes) -> str:
        return pretty_body(body) if len(body) > _KEPT else self._short(body)

    def step(self, step: StepFinished) -> Markup:
        """Return one step: its findings, its exchanges, and what was checked."""
        placed = [_Placed(finding) for finding in findings_of(step)]
        where = f' <span class="id">{escaped(step.location)}</span>' if step.location else ""
        head = f"<h4>{step.index + 1}. {escaped(step.summary)}{where}</h4>"
        awaited = step.interaction == Interaction.AWAIT
        exchanges = [
            self._shown(exchange, [one for one in placed if (one.finding.exchange or 0) == number], again=not awaited)
            if placed
            else self._folded(exchange)
            for number, exchange in enumerate(step.exchanges)
        ]
        boxes = [finding_box(one.finding, one.anchor, one.line) for one in placed[:_MOST_BOXES]]
        if more := len(placed) - len(boxes):
            boxes.append(Markup(f"<p>{spans(f'{more} more', f'{more} autres')}</p>"))
        body = "".join([head, *boxes, *exchanges, _checks(step.checks)])
        kinds = f"step{' bad' if placed else ''}{' in' if awaited else ''}"
        return Markup(f'<div class="{kinds}">{body}</div>\n')

    def _folded(self, exchange: Exchange) -> str:
        response = exchange.response
        answer = self._brief(response.headers, response.body) if response else _came(exchange)
        sent = self._brief(exchange.request.headers, exchange.request.body)
        return f'<details>{_summary(exchange)}<pre class="q">{sent}</pre><pre class="a">{answer}</pre></details>'

    def _brief(self, headers: Headers, body: bytes) -> str:
        head = "\n".join(f"{name}: {value}" for name, value in headers)
        text = self._pretty(body) if body else ""
        return escaped(f"{head}\n\n{cut(text, self._without)}" if text else head)

    def _shown(self, exchange: Exchange, placed: Sequence[_Placed], *, again: bool) -> str:
        """One exchange with its findings where they belong; ``again``: with the command that sends it once more."""
        request, response = exchange.request, exchange.response
        sent = located(self._pretty(request.body)) if request.body else []
        answered = located(self._pretty(response.body)) if response and response.body else []
        sides: tuple[list[_Placed], list[_Placed]] = ([], [])
        for one in placed:
            sides[one.finding.of != "request"].append(one)
        first = f"{request.method} {request.url}"
        left = self._message([first, *_fields(request.headers)], sent, changed(sent, answered), sides[0])
        first = f"{response.http_version} {response.status}" if response else _came(exchange)
        head = [first, *_fields(response.headers if response else ())]
        right = self._message(head, answered, changed(answered, sent), sides[1])
        command = f'<pre class="c" tabindex="0">{escaped(curl(exchange, self._candidate))}</pre>' if again else ""
        return (
            f'<details open>{_summary(exchange)}<div class="pair"><pre class="q" tabindex="0">{left}</pre>'
            f'<pre class="a" tabindex="0">{right}</pre></div>{command}</details>'
        )

    def _message(
        self, head: Sequence[str], body: Sequence[Line], differing: Container[int], placed: Sequence[_Placed] = ()
    ) -> str:
        """One message, line by line; below a line what was found there, and a gap where lines are left out."""
        notes: dict[int, list[_Placed]] = {}
        first = positions(body)
        for one in placed[:_MOST_NOTES]:
            at = _line(one.finding, head, first)
            if at is not None:
                notes.setdefault(at, []).append(one)
        start = len(head) + 1
        out = [self._written(text, number, notes.get(number, ())) for number, text in enumerate(head)]
        if body:
            out.append("")
        next_one = 0
        for index in shown(body, {at - start for at in notes if at >= start}, self._with_findings):
            out += _gap(index - next_one)
            out.append(self._written(body[index].text, start + index, notes.get(start + index, ()), index in differing))
            next_one = index + 1
        return "\n".join([*out, *_gap(len(body) - next_one)])

    def _written(self, text: str, number: int, notes: Sequence[_Placed], differs: bool = False) -> str:
        space = " " * (len(text) - len(text.lstrip(" ")))
        content = text if isinstance(text, Markup) else escaped(cut(text[len(space) :]))
        if differs:
            content = f'<b class="d">{content}</b>'
        if not notes:
            return space + content
        self._anchors += 1
        lines = [f'{space}<mark id="line-{self._anchors}">{content}</mark>']
        for one in notes:
            one.anchor, one.line = f"line-{self._anchors}", number + 1
            verdict = one.finding.verdict
            lines.append(f'{space}<span class="note {verdict.value}">{MARKS[verdict]} {_told(one.finding)}</span>')
        return "\n".join(lines)


def finding_box(finding: Finding, anchor: str = "", line: int = 0) -> Markup:
    """Return a finding with all that it tells; ``anchor`` is the id of the line that it is about."""
    rows = []
    for name, english, french in _LABELS:
        value = getattr(finding, name)
        text = ", ".join(value) if isinstance(value, tuple) else value
        if text:
            content = _compared(finding, name) if name in ("expected", "found") else escaped(text)
            rows.append(f"<dt>{spans(english, french)}</dt><dd><code>{content}</code></dd>")
    link = f' <a href="#{anchor}">{spans("line", "ligne")} {line}</a>' if anchor else ""
    head = f'<div class="finding {finding.verdict.value}"><strong>{_told(finding)}</strong>{link}<dl>'
    return Markup("".join([head, *rows, "</dl></div>"]))


def _told(finding: Finding) -> Markup:
    return spans(finding.message, finding.message_fr or finding.message)


def _compared(finding: Finding, name: str) -> str:
    """What was expected, or found; what is not in the other of the two is marked."""
    text = str(getattr(finding, name))
    other = finding.found if name == "expected" else finding.expected
    before = _shared(text, other)
    after = _shared(text[before:][::-1], other[before:][::-1])
    middle = text[before : len(text) - after]
    if not before + after or not middle:
        return escaped(text)
    return f'{escaped(text[:before])}<b class="d">{escaped(middle)}</b>{escaped(text[len(text) - after :])}'


def _shared(text: str, other: str) -> int:
    """How many characters two texts begin with alike."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(text, other, strict=False)))


def _line(finding: Finding, head: Sequence[str], body: Mapping[Path, int]) -> int | None:
    """The line that a finding is about: 0 is the status, or method and URL, then headers, an empty line, the body."""
    if finding.code.startswith(("status", "network", "save", "await", "param")):
        return 0
    if finding.code.startswith(("header", "content-type")):
        words = (
            {"content-type"}
            if finding.code == "content-type"
            else set(map(str.lower, _HEADER.findall(finding.message)))
        )
        named = (at for at, line in enumerate(head) if at and line.partition(":")[0].lower() in words)
        return next(named, 0)
    where = finding.expression or (finding.expected if finding.code.startswith("that") else "")
    at = place(body, where)
    return None if at is None else at + len(head) + 1


def _fields(headers: Headers) -> list[str]:
    return [f"{name}: {value}" for name, value in headers]


def _gap(number: int) -> list[str]:
    return [f"<i>… {number} {spans('lines', 'lignes')}</i>"] if number else []


def _came(exchange: Exchange) -> Markup:
    return spans(status_line(exchange), status_line(exchange, "fr"))


def _summary(exchange: Exchange) -> str:
    what = f"{exchange.request.method} {exchange.request.url}"
    took = f"{exchange.elapsed * 1000:.0f} ms"
    return f"<summary><code>{escaped(what)}</code> → {_came(exchange)} ({took})</summary>"


def _checks(checks: Sequence[CheckResult]) -> str:
    return f'<p class="id">{" · ".join(f"{MARKS[check.verdict]} {escaped(check.kind)}" for check in checks)}</p>'
