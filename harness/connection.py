"""How a run reaches its candidate, for the command and for pytest alike.

A server is called. A client calls: it is given a sandbox, and somebody makes it act.
"""

import asyncio
import contextlib
import secrets
import webbrowser
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from harness.engine import Candidate
from harness.engine.awaiting import OWN, Incoming, Task
from harness.engine.client_file import ClientFile
from harness.engine.codes import Language
from harness.engine.driver import CommandDriver, Driver, Failure
from harness.engine.inbox import Inbox
from harness.errors import UsageError
from harness.report.inert import one_line, printable
from harness.sandbox.app import PREFIX
from harness.sandbox.assembly import make_service
from harness.sandbox.choices import policy_of
from harness.sandbox.desk import Opening
from harness.sandbox.measures.population import SOLUTION
from harness.sandbox.policy import Policy
from harness.sandbox.relay import RelayServer
from harness.sandbox.server import SandboxServer
from harness.sandbox.tap import Listener

Say = Callable[[str], None]
"""Shows a person a few lines."""

_WORDS = {
    "en": {
        "sandbox": "Connect the client to {base}",
        "endpoint": "  {name}: {base}",
        "identity": "As {name}: patient {patient}",
        "header": "  {name}: {value}",
        "discovery-url": "OpenID Connect",
        "client-id": "client_id",
        "client-secret": "client_secret",
        "page": "page for testers",
        "do": "To do now ({where}, within {seconds} s):",
    },
    "fr": {
        "sandbox": "Connectez le client à {base}",
        "endpoint": "  {name} : {base}",
        "identity": "En tant que {name} : patient {patient}",
        "header": "  {name} : {value}",
        "discovery-url": "OpenID Connect",
        "client-id": "client_id",
        "client-secret": "client_secret",
        "page": "page du testeur",
        "do": "À faire maintenant ({where}, sous {seconds} s) :",
    },
}


class Person:
    """Makes a candidate act by telling a person what to do; only they know when they have done it."""

    def __init__(self, language: Language, say: Say) -> None:
        self._language = language
        self._say = say
        self._words = _WORDS[language]
        self._identity = ""

    async def begin(self, task: Task) -> None:
        """Show the instruction, and the credentials where they are others than before."""
        where = f"{task.scope.test_set}/{task.scope.test}, {task.step + 1}"
        self._say(self._words["do"].format(where=where, seconds=f"{task.within:g}"))
        if task.identity != self._identity:
            self._identity = task.identity
            self._introduce(task)
        self._say(printable(task.instruction.get(self._language, "")))

    def _introduce(self, task: Task) -> None:
        known = task.candidate.identities.get(task.identity)
        patient = one_line(str(known.attributes.get("token", "")), 120) if known else ""
        self._say(self._words["identity"].format(name=task.identity, patient=patient))
        for name, value in task.credentials:
            self._say(self._words["header"].format(name=name, value=value))

    async def ended(self) -> None:
        """Never return: nobody says that they are done."""
        await asyncio.Event().wait()

    async def settle(self) -> None:
        """Leave the person alone."""

    def failure(self) -> Failure | None:
        """Return nothing: a person does not fail."""
        return None


def check(source: Candidate | ClientFile) -> None:
    """Raise UsageError for what the file of a client asks of the sandbox and the sandbox does not offer."""
    if isinstance(source, ClientFile):
        if source.proxied:
            _prefixes(source)
        else:
            _policy(source, Opening(**source.opening()))


def _prefixes(client: ClientFile) -> dict[str, str]:
    """Return the path of each real service on the relay, by the name of its endpoint. Raises UsageError."""
    prefixes = {name: f"/{quote(name, safe='')}" if name else PREFIX for name in client.proxied}
    if len(set(prefixes.values())) < len(prefixes):
        where = f"endpoints.{PREFIX.removeprefix('/')}"
        raise UsageError(f"{where}: behind sandbox: proxy, {PREFIX} is the path of proxy itself; take another name")
    return prefixes


def _policy(client: ClientFile, opening: Opening) -> Policy:
    """Return how the simulated sandbox is to behave. Raises UsageError."""
    return replace(policy_of(client.policy), cors=bool(opening.cors))


@contextlib.contextmanager
def _served(client: ClientFile, listener: Listener) -> Iterator[tuple[Mapping[str, Any], dict[str, str]]]:
    """Serve what the client is to call, simulated or real.

    Gives the content of a candidate file that reaches it, and by name what the client needs to get tokens.
    """
    if client.proxied:
        prefixes = _prefixes(client)
        targets = {prefixes[name]: target for name, target in client.proxied.items()}
        with RelayServer(targets, client.port, client.tls().context(), (OWN,), listener) as relay:
            yield client.relayed(relay.address, prefixes), {}
    else:
        opening = Opening(**client.opening())
        service = make_service(policy=_policy(client, opening))
        with SandboxServer(service, port=client.port, opening=opening, listener=listener) as server:
            registered = server.desk.authorization.clients[SOLUTION.client_id]
            yield (
                server.candidate(),
                {
                    "discovery-url": server.desk.discovery_url,
                    "client-id": SOLUTION.client_id,
                    "client-secret": registered.new_secret(),
                    "page": server.desk.page_url,
                },
            )


def show_sign_in(address: str, say: Say) -> None:
    """Show a person where they sign in, and open it in their browser where there is one."""
    say(f"Sign in to go on: {address}")
    webbrowser.open(address)


@contextlib.contextmanager
def reached(
    source: Candidate | ClientFile, language: Language, say: Say
) -> Iterator[tuple[Candidate, Incoming | None]]:
    """Give the candidate of a run, and where its requests come in when it is a client; else it is called itself."""
    if isinstance(source, Candidate):
        yield source, None
    else:
        with connected(source, language, say) as found:
            yield found


@contextlib.contextmanager
def connected(client: ClientFile, language: Language, say: Say) -> Iterator[tuple[Candidate, Incoming]]:
    """Serve the sandbox that ``client`` is to call; give the candidate of the run, and where its requests come in.

    ``say`` tells where it is; where the file names no command, it tells a person how to connect and what to do, too.
    Raises UsageError as :func:`check` does, HarnessError when the sandbox cannot listen.
    """
    command = client.command
    pairing: dict[str, str] = {}
    driver: Driver = CommandDriver(command, language, pairing) if command else Person(language, say)
    own = secrets.token_urlsafe(24)
    inbox = Inbox(driver, own)
    with _served(client, inbox.take) as (content, found):
        pairing |= found
        secret = {name: value for name, value in found.items() if name == "client-secret"}
        candidate = client.candidate(content, own, secret)
        words = _WORDS[language]
        say(words["sandbox"].format(base=candidate.base_url))
        for name, endpoint in candidate.endpoints.items():
            say(words["endpoint"].format(name=name, base=endpoint.base_url))
        if command is None:
            for name, value in pairing.items():
                say(words["endpoint"].format(name=words[name], base=value))
        yield candidate, inbox
