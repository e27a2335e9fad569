"""How a run reaches its candidate: what a person is told, and what a sandbox cannot be."""

import asyncio
from pathlib import Path

import pytest

from harness.connection import Person, check
from harness.engine import Candidate
from harness.engine.awaiting import Task
from harness.engine.client import Scope
from harness.engine.client_file import ClientFile
from harness.errors import UsageError


def test_nobody_knows_when_a_person_is_done() -> None:
    said: list[str] = []
    candidate = Candidate.of({"base-url": "http://127.0.0.1:1/fhir", "identities": {"b": {"bearer": "token-of-b"}}})
    task = Task(Scope("set", "test", "test"), 0, {"en": "Do \x1b[31mit", "fr": "Faites"}, "", {}, 5.0, "b", candidate)

    async def twice() -> bool:
        person = Person("en", said.append)
        await person.begin(task)
        await person.begin(task)
        waiting = asyncio.ensure_future(person.ended())
        await asyncio.sleep(0)
        done = waiting.done()
        waiting.cancel()
        await person.settle()
        return done or person.failure() is not None

    assert asyncio.run(twice()) is False
    out = "\n".join(said)
    assert out.count("token-of-b") == 1
    assert "\x1b" not in out
    assert out.count("(set/test, 1, within 5 s)") == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("policy: {glucose-unit: mg/dl}", "the sandbox does 'mg/dL' only"),
        ("sandbox: {cors: [nowhere]}", "nowhere"),
        (
            "sandbox: {proxy: 'http://x.example'}\nendpoints: {fhir: {base-url: 'http://y.example'}}",
            "/fhir is the path of proxy itself",
        ),
    ],
)
def test_what_the_sandbox_cannot_be_is_told_before_it_is_served(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "client.yaml"
    path.write_text(f"kind: client\n{content}\n", encoding="utf-8")
    client = ClientFile.read(path)
    assert client is not None
    with pytest.raises(UsageError) as problem:
        check(client)
    assert said in str(problem.value)


def test_a_server_asks_nothing_of_a_sandbox() -> None:
    assert check(Candidate.at("http://127.0.0.1:9/fhir")) is None
