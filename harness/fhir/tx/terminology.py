"""Terminology that asks further: the definitions first, then the answer lock, then a terminology server.

With a lock and no server nothing is sent, and a question that the lock does not answer stays UNDECIDED.
"""

from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Self

from harness.fhir.definitions import Definitions
from harness.fhir.terminology import Answer, Terminology, Verdict, plain
from harness.fhir.tx.lock import AnswerLock, Locked, dated
from harness.fhir.tx.server import Question, Reply, TerminologyServer
from harness.reason import Reason, french, joined

_RECORD = Path("sources/terminology.json")
"""Where an acceptance file holds the answers of its run."""


class RemoteTerminology(Terminology):
    """Answers locally what is known locally, and asks for the rest: the ``lock`` first, then the ``server``."""

    asks = True

    def __init__(
        self, definitions: Definitions, server: TerminologyServer | None = None, lock: AnswerLock | None = None
    ) -> None:
        super().__init__(definitions)
        self.server = server
        self.lock = lock
        self._asked: dict[Question, Reply] = {}
        self._told: list[Locked] = []

    @property
    def answers(self) -> tuple[Locked, ...]:
        """What was said, by the lock or the server, on what was asked."""
        return tuple(self._told)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Write the lock when there is something new, and let go of the server. Raises TxLockError."""
        if self.server is not None:
            self.server.close()
        if self.lock is not None:
            self.lock.save()

    def member(
        self,
        value_set: str,
        system: str | None,
        code: str,
        display: str | None = None,
        version: str | None = None,
    ) -> Answer:
        """As :meth:`Terminology.member`; what stays UNDECIDED there is asked."""
        local = super().member(value_set, system, code, display, version)
        if local.verdict is not Verdict.UNDECIDED:
            return local
        return self._answer(Question(value_set, system, code, version), display, local.reason)

    def coding(self, system: str, code: str, display: str | None = None, version: str | None = None) -> Answer:
        """As :meth:`Terminology.coding`; what stays UNDECIDED there, or whose display is not known, is asked."""
        local = super().coding(system, code, display, version)
        known = local.verdict is Verdict.IN and (display is None or local.display_agrees is not None)
        if known or local.verdict is Verdict.NOT_IN:
            return local
        return self._answer(Question(None, system, code, version), display, local.reason)

    def _answer(self, question: Question, display: str | None, local_reason: str) -> Answer:
        reply = self._reply(question)
        if reply.result is None:
            return Answer(Verdict.UNDECIDED, joined((local_reason, reply.message)))
        if not reply.result:
            en = f"the terminology server does not know {question.code}"
            unknown = Reason(en, f"le serveur de terminologie ne connaît pas {question.code}")
            return Answer(Verdict.NOT_IN, reply.message or unknown)
        if display is None or reply.display is None or plain(display) == plain(reply.display):
            return Answer(Verdict.IN, "", reply.display, None if display is None or reply.display is None else True)
        # One answer shows one display; whether another one would do as well is a question of its own.
        shown = self._reply(replace(question, display=display))
        if shown.result is None:
            en = f"whether it is displayed as '{display}': {shown.message}"
            fr = f"s'il a pour libellé « {display} » : {french(shown.message)}"
            return Answer(Verdict.UNDECIDED, Reason(en, fr), reply.display)
        return Answer(Verdict.IN, "", reply.display, shown.result)

    def _reply(self, question: Question) -> Reply:
        found = self._asked.get(question)
        if found is None:
            found = self._asked[question] = self._looked_up(question)
        return found

    def _looked_up(self, question: Question) -> Reply:
        locked = self.lock.get(question) if self.lock is not None else None
        if locked is not None:
            self._told.append(locked)
            return locked.reply
        if self.server is None:
            return Reply(None, _unanswered(self.lock))
        definition = self.definitions.value_set(question.value_set) if question.value_set else None
        reply = self.server.ask(question, definition)
        told = dated(question, reply, self.server.base_url)
        self._told += told
        if self.lock is not None:
            self.lock.add(told)
        return reply


def _unanswered(lock: AnswerLock | None) -> Reason:
    if lock is None:
        return Reason("nobody is asked", "personne n'est interrogé")
    return Reason(f"the lock {lock.path} has no answer to it", f"le verrou {lock.path} n'y répond pas")


def open_terminology(
    definitions: Definitions, *, url: str | None = None, lock: Path | None = None, recorded: bytes | None = None
) -> RemoteTerminology | None:
    """Return what ``--tx URL`` and ``--tx-lock FILE`` ask for, None when neither is given; close it at the end.

    ``recorded`` are the contents of the lock of an earlier run, whose answers hold where nothing else is asked for.

    Raises UsageError for a bad address, TxLockError for a lock that was altered or, without an address, is missing.
    """
    if url is None and lock is None:
        known = AnswerLock(_RECORD, data=recorded) if recorded is not None else None
        return RemoteTerminology(definitions, None, known) if known is not None else None
    answers = AnswerLock(lock, must_exist=url is None) if lock is not None else None
    return RemoteTerminology(definitions, TerminologyServer(url) if url is not None else None, answers)
