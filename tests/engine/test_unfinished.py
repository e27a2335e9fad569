"""What comes to its end although it is cancelled: the clean-up, and what may have made something."""

import asyncio

import pytest

from harness.engine.unfinished import to_the_end, with_grace


async def cancelled_while(work, steps=1):
    """Let ``work`` begin, cancel who waits for it, then let the event loop turn; return whether the wait is over."""
    waiting = asyncio.ensure_future(work)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    waiting.cancel()
    for _ in range(steps):
        await asyncio.sleep(0)
    return waiting


def test_what_ends_by_itself_gives_what_it_gives():
    async def five():
        return 5

    async def wrong():
        raise ValueError("no")

    told = []
    assert asyncio.run(to_the_end(five())) == 5
    assert asyncio.run(with_grace(five(), told.append)) == 5
    for way in (to_the_end(wrong()), with_grace(wrong(), told.append)):
        with pytest.raises(ValueError, match="no"):
            asyncio.run(way)
    assert told == []


def test_a_cancellation_waits_for_the_end():
    async def go():
        may_end, ended = asyncio.Event(), []

        async def work():
            await may_end.wait()
            ended.append(True)

        waiting = await cancelled_while(to_the_end(work()), steps=5)
        assert not waiting.done()
        may_end.set()
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return ended

    assert asyncio.run(go()) == [True]


def test_what_comes_late_is_told():
    async def go():
        answer, told = asyncio.get_running_loop().create_future(), []

        async def work():
            return await answer

        waiting = await cancelled_while(with_grace(work(), told.append), steps=5)
        answer.set_result("made")
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return told

    assert asyncio.run(go()) == ["made"]


@pytest.mark.parametrize("fails", [False, True])
def test_what_does_not_come_is_given_up(fails):
    async def go():
        told, stopped = [], []

        async def work():
            try:
                if fails:
                    await asyncio.sleep(0)
                    raise ValueError("no")
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                stopped.append(True)
                raise

        waiting = await cancelled_while(with_grace(work(), told.append, grace=0.01))
        with pytest.raises(asyncio.CancelledError):
            await waiting
        return told, stopped

    assert asyncio.run(go()) == ([], [] if fails else [True])
