"""A command in the place of a person: what it is told, how it ends, how it is ended."""

import asyncio
import json
import os
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine import Candidate
from harness.engine.awaiting import Task
from harness.engine.client import Scope
from harness.engine.driver import LEFT, Command, CommandDriver
from harness.engine.placeholders import TEXTS, fill, unknown

CANDIDATE = Candidate.of(
    {
        "base-url": "http://127.0.0.1:1/fhir",
        "identities": {
            "default": {"bearer": "token-of-default", "identifier": {"system": "urn:oid:1.2", "value": "7"}}
        },
        "endpoints": {"mes-measures": {"base-url": "http://127.0.0.1:1/mes"}},
    }
)
TASK = Task(
    Scope("feed", "weight", "test"), 2, {"en": "Send", "fr": "Envoyez"}, "send", {"kg": 71, "who": "é"}, 5.0, "default",
    CANDIDATE.endpoint("mes-measures") or CANDIDATE,
)  # fmt: skip
CUT = "the command ended with 1: "
TELL = """
import json, os, sys
with open(sys.argv[1], "w", encoding="utf-8") as file:
    json.dump([sys.argv[2:], json.loads(os.environ["FHIR_HARNESS_STEP"]), os.environ["WHO"], os.getcwd()], file)
"""


def command(code, *arguments, **options):
    return Command((sys.executable, "-c", code, *arguments), **options)


async def until_its_end(driver):
    await driver.begin(TASK)
    await driver.ended()
    await driver.settle()
    return driver.failure(), driver.failure()


def test_a_command_is_told_everything_about_its_step(tmp_path):
    words = ["{action}", "{base-url}", "{fhir-url}", "{endpoints.mes-measures}", "{test-set}/{test}/{step}",
             "{instruction}", "{language}", "{identity}", "{data.kg} kg", "{data.none}", "$HOME; {}"]  # fmt: skip
    told = tmp_path / "told.json"
    ran = command(TELL, str(told), *words, environment={"WHO": "{data.who}"}, folder=tmp_path)
    assert asyncio.run(until_its_end(CommandDriver(ran, "fr"))) == (None, None)
    arguments, step, who, folder = json.loads(told.read_text("utf-8"))
    mes = "http://127.0.0.1:1/mes"
    assert arguments == [
        *("send", mes, "http://127.0.0.1:1/fhir", mes, "feed/weight/2"),
        *("Envoyez", "fr", "default", "71 kg", "", "$HOME; {}"),
    ]
    assert (who, os.path.realpath(folder)) == ("é", os.path.realpath(tmp_path))
    assert step["credentials"] == {"Authorization": "Bearer token-of-default"}
    assert step["caller"]["token"] == "urn:oid:1.2|7"
    assert step["data"] == {"kg": 71, "who": "é"}


@pytest.mark.parametrize(
    ("code", "options", "failure"),
    [
        ("import sys; sys.exit(0)", {}, None),
        ("import sys; sys.exit('no ' * 3)", {}, ("command-failed", "the command ended with 1: no no no")),
        # The end alone is shown, from a whole word on: the rest of a secret would not be known for one.
        ("import sys; sys.exit(10 * 's3cret-' + ' and ' + 380 * 'x')", {}, ("command-failed", f"{CUT}and {380 * 'x'}")),
        ("import sys; sys.exit(4)", {}, ("command-failed", "the command ended with 4")),
        ("import time; time.sleep(3600)", {"timeout": 0.1}, ("command-timeout", "the command was killed after 0.1 s")),
    ],
)
def test_how_a_command_ended_is_told_once(code, options, failure):
    assert asyncio.run(until_its_end(CommandDriver(command(code, **options)))) == (failure, None)


def test_a_folder_that_a_command_cannot_be_started_in_is_named(tmp_path):
    missing = tmp_path / "nowhere"
    failure, _ = asyncio.run(until_its_end(CommandDriver(Command((sys.executable, "-c", ""), folder=missing))))
    assert failure == ("command-start", f"{sys.executable} cannot be started: {missing}: No such file or directory")


def test_a_command_that_cannot_be_started():
    failure, _ = asyncio.run(until_its_end(CommandDriver(Command(("/nowhere/at-all",)))))
    assert failure == ("command-start", "/nowhere/at-all cannot be started: No such file or directory")


LEAVES = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "open(0).read()"], stdin=os.open(sys.argv[1], os.O_RDONLY),
                         start_new_session=sys.argv[2] == "away")
"""


@pytest.mark.parametrize("how", ["away", "near"])
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux shows the environment of other processes")
def test_a_process_that_a_command_left_behind_is_seen(tmp_path, monkeypatch, how):
    monkeypatch.setattr("harness.engine.driver._GRACE", 0.1)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    held = os.open(pipe, os.O_RDWR)  # the child reads until nobody can write any more
    driver = CommandDriver(command(LEAVES, str(pipe), how))
    try:
        code, message = asyncio.run(until_its_end(driver))[0]
    finally:
        os.close(held)
    assert (code, message) == (LEFT, "the command ended, and a process that it started did not")


def test_a_command_waits_a_little_for_what_it_started(monkeypatch):
    monkeypatch.setattr("harness.engine.driver._GRACE", 60)
    code = "import subprocess, sys; subprocess.Popen([sys.executable, '-c', 'pass'], start_new_session=True)"
    assert asyncio.run(until_its_end(CommandDriver(command(code)))) == (None, None)


def test_a_command_that_only_sets_off_says_nothing_of_the_end():
    async def ends():
        driver = CommandDriver(command("pass", finishes=False))
        await driver.begin(TASK)
        ended = asyncio.ensure_future(driver.ended())
        await asyncio.wait({driver._running})
        await asyncio.sleep(0)
        done = ended.done()
        ended.cancel()
        await driver.settle()
        return done

    assert asyncio.run(ends()) is False


def test_a_cancelled_run_ends_its_command(tmp_path):
    told = tmp_path / "pid"
    os.mkfifo(told)
    code = "import os, sys, time; open(sys.argv[1], 'w').write(str(os.getpid())); time.sleep(3600)"

    async def cancelled():
        driver = CommandDriver(command(code, str(told)))

        async def run():
            try:
                await driver.begin(TASK)
                await driver.ended()
            finally:
                await driver.settle()

        running = asyncio.create_task(run())
        pid = int(await asyncio.to_thread(told.read_text))
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        return pid

    pid = asyncio.run(cancelled())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


@given(st.text(), st.sampled_from(TEXTS), st.text())
def test_a_value_is_put_in_as_it_is(before, name, value):
    text = before.replace("{", "").replace("}", "")
    assert fill(f"{text}{{{name}}}{text}", {name: value}) == f"{text}{value}{text}"


def test_unknown_placeholders_have_a_place_and_a_hint():
    assert unknown(["{action} {data.x}", "{tset}"]) == [(1, 'there is no placeholder {tset}; did you mean "test"?')]
