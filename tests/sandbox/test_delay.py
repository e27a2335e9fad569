"""Answers that are late on purpose."""

import asyncio

import httpx
import pytest

from harness.sandbox import app
from harness.sandbox.app import PREFIX, create_app
from harness.sandbox.assembly import make_service
from harness.sandbox.policy import Policy


def test_a_late_answer_waits_without_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    waited: list[float] = []

    async def wait(seconds: float) -> None:
        waited.append(seconds)

    monkeypatch.setattr(app, "sleep", wait)
    service = make_service(policy=Policy(validate=False), defects=["slow-slots"])

    async def ask() -> list[int]:
        transport = httpx.ASGITransport(create_app({PREFIX: service}))
        async with httpx.AsyncClient(transport=transport, base_url="http://sandbox.invalid") as client:
            return [(await client.get(f"{PREFIX}/{path}")).status_code for path in ("Slot", "Patient", "Slot/1")]

    assert asyncio.run(ask()) == [200, 200, 404]
    assert waited == [1.2]
