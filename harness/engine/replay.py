"""A recorded run in the place of the candidate: the same runner judges it again, without a network."""

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from harness.engine.awaiting import Awaited
from harness.engine.client import Scope
from harness.engine.events import Event, SetStarted, StepFinished, TestStarted
from harness.engine.exchange import Exchange, Request
from harness.engine.redaction import Redactor, without_commitments
from harness.errors import JournalError
from harness.reason import Reason
from harness.suite.model import Interaction


class ReplayError(JournalError):
    """The run that is judged again asks for something else than the recorded one."""


class Replay:
    """Gives the recorded exchanges, in order, to whoever sends the same requests in the same test, or awaited them."""

    def __init__(self, events: Iterable[Event], redactor: Redactor | None = None) -> None:
        self._redactor = redactor or Redactor({})
        self._exchanges: defaultdict[Scope, deque[Exchange]] = defaultdict(deque)
        self._instants: dict[tuple[str, str], str] = {}
        self._attempts: dict[tuple[str, str], int] = {}
        self._received: dict[tuple[Scope, int], tuple[Exchange, ...]] = {}
        for event in events:
            match event:
                case StepFinished(interaction=Interaction.AWAIT):
                    self._received[Scope(event.test_set, event.test, event.phase), event.index] = event.exchanges
                case StepFinished():
                    self._exchanges[Scope(event.test_set, event.test, event.phase)].extend(event.exchanges)
                case TestStarted():
                    self._instants[event.test_set, event.test] = event.now
                    self._attempts[event.test_set, event.test] = event.attempt
                case SetStarted():
                    self._instants[event.test_set, ""] = event.now
                    self._attempts[event.test_set, ""] = event.attempt
                case _:
                    pass

    def holds(self, scope: Scope) -> bool:
        """Tell whether there is an exchange left for ``scope``."""
        return bool(self._exchanges.get(scope))

    async def send(self, request: Request, scope: Scope) -> Exchange:
        """Return the next exchange that was recorded for ``scope``. Raises ReplayError when it was another request."""
        place = f"{scope.test_set}/{scope.test}" if scope.test else f"{scope.test_set} ({scope.phase})"
        queue = self._exchanges[scope]
        asked = self._redactor.request(request)
        if not queue:
            raise ReplayError(
                f"{place}: nothing more was recorded, but {asked.method} {asked.url} is asked for",
                f"{place} : rien d'autre n'a été enregistré, alors que {asked.method} {asked.url} est demandé",
            )
        recorded = queue.popleft()
        difference = _difference(recorded.request, asked)
        if difference:
            raise ReplayError(
                f"{place}: the recorded run sent {recorded.request.method} {recorded.request.url}, this one asks for "
                f"{asked.method} {asked.url}: {difference} differs. The test set or the harness is not the same.",
                f"{place} : l'exécution enregistrée a envoyé {recorded.request.method} {recorded.request.url}, "
                f"celle-ci demande {asked.method} {asked.url} : {difference.fr} diffère. "
                "Le jeu de tests ou le harnais n'est pas le même.",
            )
        return recorded

    def open(self, redactor: Redactor) -> None:
        """Nothing comes in that would have to be recorded."""

    async def collect(self, awaited: Awaited, scope: Scope, index: int) -> Sequence[Exchange]:  # noqa: ARG002
        """Return what came during the recorded wait of step ``index``. Raises ReplayError when there was none."""
        if (scope, index) not in self._received:
            place = f"{scope.test_set}/{scope.test}"
            raise ReplayError(
                f"{place}: step {index} awaited nothing in the recorded run",
                f"{place} : l'étape {index} n'attendait rien dans l'exécution enregistrée",
            )
        return self._received[scope, index]

    async def leave(self) -> None:
        """Nothing is held back."""

    def now(self, scope: Scope) -> datetime:
        """Return the instant that the test took place at; any, when it did not."""
        text = self._instants.get((scope.test_set, scope.test))
        try:
            return datetime.fromisoformat(text) if text else datetime(1970, 1, 1, tzinfo=UTC)
        except ValueError as problem:
            place = f"{scope.test_set}/{scope.test}"
            raise ReplayError(
                f"{place}: {text!r} is not an instant", f"{place} : {text!r} n'est pas un instant"
            ) from problem

    def attempt(self, scope: Scope) -> int:
        """Return the number of the attempt that was recorded."""
        return self._attempts.get((scope.test_set, scope.test), 0)

    async def pause(self, seconds: float) -> None:
        """Go on at once: what was waited for has come already."""

    async def finish(self, scope: Scope) -> None:
        """Nothing is open."""

    async def close(self) -> None:
        """Nothing is open."""


def _difference(recorded: Request, asked: Request) -> Reason | None:
    if recorded.method != asked.method:
        return Reason("the method", "la méthode")
    if without_commitments(recorded.url) != without_commitments(asked.url):
        return Reason("the url", "l'URL")
    if _plain(recorded.body) != _plain(asked.body):
        return Reason("the body", "le corps")
    theirs, ours = (
        {name: without_commitments(value) for name, value in request.headers} for request in (recorded, asked)
    )
    changed = sorted(name for name in theirs.keys() | ours.keys() if theirs.get(name) != ours.get(name))
    return Reason(f"the header {changed[0]}", f"l'en-tête {changed[0]}") if changed else None


def _plain(body: bytes) -> str:
    return without_commitments(body.decode("utf-8", "surrogateescape"))
