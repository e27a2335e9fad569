"""A candidate that is a client: the sandbox that it is to call, and whoever makes it act."""

import asyncio
import contextlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal
from urllib.parse import quote

import typer

from harness.engine import Candidate
from harness.engine.awaiting import OWN, Incoming, Task
from harness.engine.client_file import ClientFile
from harness.engine.driver import CommandDriver, Driver, Failure
from harness.engine.inbox import Inbox
from harness.errors import UsageError
from harness.report.inert import one_line, printable
from harness.sandbox.app import PREFIX
from harness.sandbox.assembly import make_service
from harness.sandbox.choices import policy_of
from harness.sandbox.desk import Opening
from harness.sandbox.measures.population import SOLUTION
from harness.sandbox.relay import RelayServer
from harness.sandbox.server import SandboxServer
from harness.sandbox.tap import Listener

Language = Literal["en", "fr"]

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

    def __init__(self, language: Language) -> None:
        self._language = language
        self._words = _WORDS[language]
        self._identity = ""

    async def begin(self, task: Task) -> None:
        """Show the instruction, and the credentials where they are others than before."""
        where = f"{task.scope.test_set}/{task.scope.test}, {task.step + 1}"
        typer.echo(self._words["do"].format(where=where, seconds=f"{task.within:g}"))
        if task.identity != self._identity:
            self._identity = task.identity
            self._introduce(task)
        typer.echo(printable(task.instruction.get(self._language, "")))

    def _introduce(self, task: Task) -> None:
        known = task.candidate.identities.get(task.identity)
        patient = one_line(str(known.attributes.get("token", "")), 120) if known else ""
        typer.echo(self._words["identity"].format(name=task.identity, patient=patient))
        for name, value in task.credentials:
            typer.echo(self._words["header"].format(name=name, value=value))

    async def ended(self) -> None:
        """Never return: nobody says that they are done."""
        await asyncio.Event().wait()

    async def settle(self) -> None:
        """Leave the person alone."""

    def failure(self) -> Failure | None:
        """Return nothing: a person does not fail."""
        return None


@contextlib.contextmanager
def _served(client: ClientFile, listener: Listener) -> Iterator[tuple[Mapping[str, Any], dict[str, str]]]:
    """Serve what the client is to call, simulated or real.

    Gives the content of a candidate file that reaches it, and by name what the client needs to get tokens.
    """
    if client.proxied:
        prefixes = {name: f"/{quote(name, safe='')}" if name else PREFIX for name in client.proxied}
        if len(set(prefixes.values())) < len(prefixes):
            where = f"endpoints.{PREFIX.removeprefix('/')}"
            raise UsageError(f"{where}: behind sandbox: proxy, {PREFIX} is the path of proxy itself; take another name")
        targets = {prefixes[name]: target for name, target in client.proxied.items()}
        with RelayServer(targets, client.port, client.tls().context(), (OWN,), listener) as relay:
            yield client.relayed(relay.address, prefixes), {}
    else:
        opening = Opening(**client.opening())
        service = make_service(policy=replace(policy_of(client.policy), cors=bool(opening.cors)))
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


@contextlib.contextmanager
def reached(source: Candidate | ClientFile, language: Language) -> Iterator[tuple[Candidate, Incoming | None]]:
    """Give the candidate of a run, and where its requests come in when it is a client; else it is called itself."""
    if isinstance(source, Candidate):
        yield source, None
    else:
        with connected(source, language) as found:
            yield found


@contextlib.contextmanager
def connected(client: ClientFile, language: Language) -> Iterator[tuple[Candidate, Incoming]]:
    """Serve the sandbox that ``client`` is to call; give the candidate of the run, and where its requests come in.

    Where the file names no command, a person is told at the terminal where to connect and what to do. Raises
    UsageError for a choice that the sandbox does not offer, HarnessError when it cannot listen.
    """
    command = client.command
    pairing: dict[str, str] = {}
    driver: Driver = CommandDriver(command, language, pairing) if command else Person(language)
    own = secrets.token_urlsafe(24)
    inbox = Inbox(driver, own)
    with _served(client, inbox.take) as (content, found):
        pairing |= found
        secret = {name: value for name, value in found.items() if name == "client-secret"}
        candidate = client.candidate(content, own, secret)
        words = _WORDS[language]
        typer.echo(words["sandbox"].format(base=candidate.base_url))
        for name, endpoint in candidate.endpoints.items():
            typer.echo(words["endpoint"].format(name=name, base=endpoint.base_url))
        if command is None:
            for name, value in pairing.items():
                typer.echo(words["endpoint"].format(name=words[name], base=value))
        yield candidate, inbox
