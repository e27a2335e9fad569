"""A run that was cut off anywhere goes on, and ends with the verdicts of one that was not."""

import asyncio
import json
import os
import random
import signal
import subprocess
import sys
from dataclasses import replace

import pytest

from harness.engine import Candidate, Replay, run_sync
from harness.engine.client import Live
from harness.engine.events import DefinitionSource, RunFinished, SetStarted, StepFinished, TestFinished, TestStarted
from harness.engine.journal import NAME, JournalWriter, read_journal
from harness.engine.planner import Every, Named, Shard, plan
from harness.engine.results import RunResult
from harness.engine.resume import Resumed, check_candidate, check_definitions
from harness.errors import UsageError

PLAIN = """
variables: {born: "${time.today}", mark: "${random.token.mark}"}
tests:
  - id: stored
    TITLE
    needs: Patient.create
    steps: &store
      - create: ${fixtures.patient}
        set: {birthDate: "${born}", "name[0].given": ["${random.token}", "${mark}"]}
        expect: {status: 201}
        save: {id: header.Location.id}
      - read: Patient/${id}
        expect: {status: 200, type: Patient, that: ["id = '${id}'"]}
  - id: negative
    TITLE
    control: stored
    steps:
      - create: ${fixtures.patient}
        remove: [name]
        expect: {status: 422}
  - id: fails
    TITLE
    steps:
      - read: Patient/none
        expect: {status: 200}
  - id: last
    TITLE
    steps: *store
"""
PREPARED = """
setup:
  - create: ${fixtures.patient}
    save: {shared: header.Location.id}
tests:
  - {id: first, title: {en: First, fr: Premier}, steps: [{read: "Patient/${shared}", expect: {status: 200}}]}
  - {id: second, title: {en: Second, fr: Second}, steps: [{read: "Patient/${shared}", expect: {type: Patient}}]}
"""


@pytest.fixture
def sets(load):
    return [load(PLAIN, name="plain"), load(PREPARED, name="prepared")]


@pytest.fixture
def salted(candidate):
    return replace(candidate, salt=b"0" * 32)


def verdicts(result):
    return {(test.started.test_set, test.started.test): test.verdict.value for test in result.tests}


@pytest.fixture
def whole(tmp_path, sets, salted, definitions, lenient):
    """The journal of a run that nothing stopped, and its result."""
    folder = tmp_path / "whole"
    result = run_sync(sets, salted, definitions=definitions, judge=lenient, writers=[JournalWriter(folder)], seed=5)
    return folder, result


def go_on(folder, out, sets, candidate, definitions, judge):
    resumed = Resumed(read_journal(folder), sets, Live(candidate), candidate.redactor())
    check_candidate(resumed.started, candidate)

    async def sweep():
        live = Live(candidate)
        try:
            return await resumed.sweep(candidate, live)
        finally:
            await live.close()

    assert asyncio.run(sweep()) == ()
    return run_sync(
        sets,
        candidate,
        definitions=definitions,
        judge=judge,
        transport=resumed,
        select=resumed.select,
        seed=resumed.started.seed,
        writers=[JournalWriter(out)],
    )


def test_a_journal_cut_anywhere_is_read_and_the_run_goes_on(tmp_path, whole, sets, salted, definitions, lenient, tiny):
    data = (whole[0] / NAME).read_bytes()
    ends = [index + 1 for index, byte in enumerate(data) if byte == 10]
    points = [*ends[:-1], *random.Random(7).sample(range(ends[0], len(data)), 20)]
    for number, point in enumerate(points):
        folder = tmp_path / f"cut-{number}"
        folder.mkdir()
        (folder / NAME).write_bytes(data[:point])
        ended = {(one.test_set, one.test) for one in read_journal(folder) if isinstance(one, TestFinished)}
        tiny.requests.clear()
        result = go_on(folder, tmp_path / f"out-{number}", sets, salted, definitions, lenient)
        assert verdicts(result) == verdicts(whole[1]), point
        assert result.finished is not None
        assert result.started.resumes == whole[1].started.run
        assert tiny.stored == {}, point
        if ended >= {("plain", "stored"), ("plain", "last")}:
            assert all("birthDate" not in body.decode() for *_, body in tiny.requests)
        again = RunResult.read(read_journal(tmp_path / f"out-{number}"))
        assert verdicts(again) == verdicts(result)


def test_a_resumed_run_is_judged_again_like_any_other(tmp_path, whole, sets, salted, definitions, lenient):
    lines = (whole[0] / NAME).read_bytes().splitlines(keepends=True)
    cut = tmp_path / "cut"
    cut.mkdir()
    (cut / NAME).write_bytes(b"".join(lines[: len(lines) // 2]))
    result = go_on(cut, tmp_path / "out", sets, salted, definitions, lenient)
    events = list(read_journal(tmp_path / "out"))
    assert {event.attempt for event in events if isinstance(event, TestStarted)} == {0, 1}
    again = run_sync(
        sets,
        Candidate.of(result.started.candidate),
        definitions=definitions,
        judge=lenient,
        transport=Replay(events),
        seed=result.started.seed,
    )
    assert verdicts(again) == verdicts(result)
    assert not [code for test in again.tests for one in test.findings if (code := one.code) == "replay"]


def cut(folder, out, last):
    """The journal of ``folder`` up to the first event that ``last`` takes."""
    out.mkdir()
    with (out / NAME).open("wb") as kept:
        for line, event in zip((folder / NAME).read_bytes().splitlines(True), read_journal(folder), strict=True):
            kept.write(line)
            if last(event):
                return out
    raise AssertionError("no such event")


def test_what_is_begun_again_meets_nothing_that_was_left_also_the_third_time(
    tmp_path, whole, sets, salted, definitions, lenient, tiny
):
    """A request may have been under way when the run was killed: what it made is in no record."""
    mid, out = tmp_path / "mid", tmp_path / "out"
    begun = cut(whole[0], tmp_path / "begun", lambda event: isinstance(event, TestStarted))
    assert go_on(begun, mid, sets, salted, definitions, lenient).started.resumption == 1
    early = cut(mid, tmp_path / "early", lambda event: isinstance(event, SetStarted))
    result = go_on(early, out, sets, salted, definitions, lenient)
    assert result.started.resumption == 2
    assert verdicts(result) == verdicts(whole[1])
    bodies = [json.loads(body) for method, _, _, body in tiny.requests if method == "POST" and b"birthDate" in body]
    drawn = [value for body in bodies for value in body["name"][0]["given"]]
    assert len(drawn) == 12
    first, second, third = drawn[:4], drawn[4:8], drawn[8:]
    assert set(first[:2]).isdisjoint(second[:2])
    assert set(third).isdisjoint((*first, *second))


def test_what_changed_since_is_refused(tmp_path, whole, sets, salted, tiny):
    changed = [replace(sets[0], digest="0" * 64), sets[1]]
    live = Live(salted)
    with pytest.raises(UsageError, match=r"plain\.yaml was changed"):
        Resumed(read_journal(whole[0]), changed, live, salted.redactor())
    with pytest.raises(UsageError, match="prepared is not here"):
        Resumed(read_journal(whole[0]), sets[:1], live, salted.redactor())
    with pytest.raises(UsageError, match="nothing of it was recorded"):
        Resumed([], sets, live, salted.redactor())
    with pytest.raises(UsageError, match="name that candidate"):
        check_candidate(whole[1].started, Candidate.at("http://127.0.0.1:1/fhir"))
    asyncio.run(live.close())


def test_other_definitions_than_before_are_named(whole, definitions):
    started = whole[1].started
    check_definitions(started, definitions)
    other = replace(
        started, definitions=(*started.definitions, DefinitionSource("some.pack", "1.0.0", "0" * 64, False))
    )
    with pytest.raises(UsageError, match=r"not the same now \(some\.pack@1\.0\.0\); give the same --package"):
        check_definitions(other, definitions)


def test_fail_fast_begins_nothing_after_a_failure(tmp_path, sets, salted, definitions, lenient, tiny):
    folder = tmp_path / "fast"
    result = run_sync(
        sets, salted, definitions=definitions, judge=lenient, writers=[JournalWriter(folder)], seed=5, fail_fast=True
    )
    found = list(verdicts(result).values())
    assert found == ["pass", "pass", "fail", "skip", "skip", "skip"]
    assert {one.code for test in result.tests[3:] for one in test.findings} == {"stopped"}
    again = run_sync(
        sets,
        Candidate.of(result.started.candidate),
        definitions=definitions,
        judge=lenient,
        transport=Replay(read_journal(folder)),
        seed=5,
        fail_fast=result.started.fail_fast,
    )
    assert list(verdicts(again).values()) == found


def test_shards_are_disjoint_and_whole(sets):
    shards = [{(one.id, case.id) for one in sets for case in plan(one, Shard(k, 3))} for k in (1, 2, 3)]
    everything = {(one.id, case.id) for one in sets for case in plan(one)}
    assert set.union(*shards) == everything
    assert sum(map(len, shards)) == len(everything)
    together = next(shard for shard in shards if ("plain", "stored") in shard)
    assert ("plain", "negative") in together


def test_selections_combine(sets):
    chosen = Every([Named(frozenset({("plain", "last"), ("plain", "fails")})), lambda _, case: case.id != "fails"])
    assert [case.id for case in plan(sets[0], chosen)] == ["last"]


COMMAND = "import sys; from harness.cli import main; main(sys.argv[1:])"


class Process:
    """The command in a process of its own, against the small server."""

    def __init__(self, tmp_path, tiny, text):
        self.folder = tmp_path
        (tmp_path / "sets").mkdir()
        head = "testset: {0}\nversion: 1.0.0\ntitle: {{en: A set, fr: Un jeu}}\ncandidate: server\n"
        head += "fixtures: {{patient: patient.json}}\n"
        for name, tests in text.items():
            content = head.format(name) + tests.replace("TITLE", "title: {en: A test, fr: Un test}")
            (tmp_path / "sets" / f"{name}.yaml").write_text(content, encoding="utf-8")
        (tmp_path / "candidate.yaml").write_text(json.dumps({"base-url": tiny.base}), encoding="utf-8")

    def start(self, out, *options):
        words = ["run", "--root", "sets", "--fixtures", "fixtures", "--candidate", "candidate.yaml", "--out", out]
        return subprocess.Popen(
            [sys.executable, "-c", COMMAND, *words, *options],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )

    def result(self, out):
        return RunResult.read(read_journal(self.folder / out))


@pytest.fixture
def process(tmp_path, tiny, load):
    return Process(tmp_path, tiny, {"plain": PLAIN, "prepared": PREPARED})


@pytest.mark.parametrize("number", [2, 6, 11])
def test_a_killed_process_loses_nothing(process, tiny, number):
    running = []
    tiny.at(number, lambda: os.kill(running[0].pid, signal.SIGKILL))
    running.append(process.start("cut"))
    _, complaint = running[0].communicate(timeout=60)
    assert running[0].returncode == -signal.SIGKILL, complaint
    assert process.result("cut").finished is None
    going_on = process.start("resumed", "--resume", "cut")
    _, complaint = going_on.communicate(timeout=60)
    assert going_on.returncode == 1, complaint
    found = list(verdicts(process.result("resumed")).values())
    assert found == ["pass", "pass", "fail", "pass", "pass", "pass"]


WAIVERS = """waivers:
  - {code: status, test: fails, reason: Known and accepted, author: A tester, expires: "2999-12-31"}
"""


def test_waivers_and_fail_fast_are_those_of_the_run_that_goes_on(process, tiny):
    (process.folder / "waivers.yaml").write_text(WAIVERS, encoding="utf-8")
    running = []
    tiny.at(2, lambda: os.kill(running[0].pid, signal.SIGKILL))
    running.append(process.start("cut", "--waivers", "waivers.yaml", "--fail-fast"))
    _, complaint = running[0].communicate(timeout=60)
    assert running[0].returncode == -signal.SIGKILL, complaint
    going_on = process.start("resumed", "--resume", "cut")
    _, complaint = going_on.communicate(timeout=60)
    assert going_on.returncode == 0, complaint
    result = process.result("resumed")
    assert list(verdicts(result).values()) == ["pass", "pass", "warn", "pass", "pass", "pass"]
    assert result.started.fail_fast


@pytest.mark.parametrize("number", [2, 3, 4])  # a create, a read, and the first delete of a clean-up
def test_an_interrupted_process_cleans_up(process, tiny, number):
    running = []
    tiny.at(number, lambda: os.kill(running[0].pid, signal.SIGINT))
    running.append(process.start("cut"))
    _, complaint = running[0].communicate(timeout=60)
    assert running[0].returncode == 130, complaint
    assert b"--resume cut" in complaint
    assert tiny.stored == {}
    events = list(read_journal(process.folder / "cut"))
    assert not any(isinstance(event, RunFinished) for event in events)
    assert [event.phase for event in events if isinstance(event, StepFinished)][-1] == "cleanup"
