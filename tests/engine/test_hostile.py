"""One run of the command against a server that is hostile in every way: each test has its verdict, and the run ends."""

import json
import subprocess
import sys
import time

import pytest

from harness.engine.journal import read_journal
from harness.engine.results import RunResult
from harness.engine.verdict import Verdict
from tests.engine.hostile import FIXED, SLOW, HostileServer

MEMORY = 300 * 1024 * 1024
CANARY = "canary-token-77"
EXPECTED = {
    "silent": ("error", "network.timeout"),
    "slow-headers": ("error", "network.timeout"),
    "slow-body": ("error", "network.timeout"),
    "endless-interim": ("error", "network.timeout"),
    "endless-body": ("error", "network.too-large"),
    "endless-chunks": ("error", "network."),
    "endless-chunk": ("error", "network.too-large"),
    "two-gigabytes": ("error", "network.too-large"),
    "reset": ("error", "network.connection-lost"),
    "gzip-bomb": ("error", "network.too-large"),
    "gzip-members": ("error", "network.too-large"),
    "endless-after-gzip": ("error", "network.encoding"),
    "gzip-in-gzip": ("error", "network.encoding"),
    "zstd-bomb": ("error", "network.encoding"),
    "many-values": ("error", "network.too-large"),
    "length-too-long": ("error", "network."),
    "length-negative": ("error", "network.protocol"),
    "two-lengths": ("error", "network.protocol"),
    "garbage": ("error", "network.protocol"),
    "no-answer": ("error", "network."),
    "many-headers": ("error", "network.protocol"),
    "header-with-nul": ("error", "network.protocol"),
    "line-breaks": ("error", "step.expression"),
    "escaped-nul": ("fail", "conforms."),
    "huge-exponent": ("fail", "conforms."),
    "long-secret": ("fail", "conforms."),
    "wrong-everywhere": ("fail", "conforms."),
    "many-contained": ("fail", "conforms."),
    "long-name": ("fail", "conforms."),
}
"""By path; every other hostile answer is a fail because it is no FHIR."""

PAGES = ("elsewhere", "other-port", "other-name", "link-local", "file", "user", "number", "mapped")
CONFORMS = ("good", "escaped-nul", "huge-exponent", "wrong-everywhere", "many-contained", "long-name", "long-secret")
TEST = """
  - id: {id}
    title: {{en: "{id}", fr: "Le cas {id}"}}
    steps:
      - {step}
        expect: {{status: 200{more}}}
"""
ATTACHMENT = """
  - id: attachment-{index}
    title: {{en: Attachment {index}, fr: Pièce {index}}}
    steps:
      - read: Patient/attachments
        expect: {{status: 200}}
        save: {{url: "photo[{index}].url"}}
      - request: {{method: GET, path: "${{url}}"}}
        expect: {{status: 200}}
"""
INJECTION = """
  - id: line-breaks
    title: {en: Line breaks in a saved value, fr: Des sauts de ligne dans une valeur}
    steps:
      - read: Patient/line-breaks
        expect: {status: 200}
        save: {language: language}
      - read: Patient/good
        headers: {Accept-Language: "${language}"}
        expect: {status: 200}
"""
RUN = """
import pathlib, resource, sys
from harness.cli import main
sys.argv = ["fhir-harness", *sys.argv[1:]]
try:
    main(sys.argv[1:])
finally:
    # VmHWM is of this program alone; ru_maxrss keeps what the process that started it had.
    status = pathlib.Path("/proc/self/status")
    lines = status.read_text().splitlines() if status.exists() else []
    own = next((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), None)
    print("PEAK", own or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, file=sys.stderr)
"""


def reads(name):
    more = ", conforms: base" if name in CONFORMS else ", type: Patient"
    return TEST.format(id=name, step=f"read: Patient/{name}", more=more)


def sets_text(names, server):
    text = "testset: hostile\nversion: 1.0.0\ntitle: {en: Hostile, fr: Hostile}\ncandidate: server\ntests:\n"
    for name in names:
        text += INJECTION if name == "line-breaks" else reads(name)
        text += reads("good").replace("good", f"after-{name}", 3).replace(f"Patient/after-{name}", "Patient/good")
    for name in (*PAGES, "cycle", "heavy"):
        step = f"search: Patient\n        params: {{page: {name}}}\n        pages: all"
        text += TEST.format(id=f"page-{name}", step=step, more="")
    text += "".join(reads(name) for name in server.moved() if name.startswith("redirect-"))
    return text + "".join(ATTACHMENT.format(index=index) for index in range(len(PAGES)))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    names = [name for name in (*SLOW, *FIXED) if name != "good"]
    with HostileServer() as server:
        (folder / "sets").mkdir()
        (folder / "sets" / "hostile.yaml").write_text(sets_text(names, server), encoding="utf-8")
        content = {
            "base-url": server.base,
            "identities": {"default": {"bearer": CANARY}},
            "limits": {"connect": 1, "read": 0.6, "total": 1.5, "redirects": 5},
        }
        (folder / "candidate.yaml").write_text(json.dumps(content), encoding="utf-8")
        words = ["run", "--candidate", folder / "candidate.yaml", "--root", folder / "sets", "--out", folder / "run"]
        begun = time.perf_counter()
        command = [sys.executable, "-c", RUN, *map(str, words), "--fixtures", str(folder)]
        ended = subprocess.run(command, capture_output=True, timeout=120, check=False)
        elapsed = time.perf_counter() - begun
    result = RunResult.read(read_journal(folder / "run"))
    return {
        "result": result,
        "tests": {test.started.test: test for test in result.tests},
        "ended": ended,
        "elapsed": elapsed,
        "seen": server.seen,
    }


@pytest.mark.parametrize("name", [name for name in (*SLOW, *FIXED) if name != "good"])
def test_each_hostile_answer_has_its_verdict_and_the_next_test_goes_on(run, name):
    test = run["tests"][name]
    verdict, code = EXPECTED.get(name, ("fail", "body.not-fhir"))
    assert test.verdict.value == verdict, test.reason
    assert any(one.code.startswith(code) for one in test.findings), [one.code for one in test.findings]
    assert test.reason
    assert run["tests"][f"after-{name}"].verdict is Verdict.PASS
    assert test.finished.elapsed < 10


@pytest.mark.parametrize("name", [*PAGES, "cycle"])
def test_next_links_that_lead_away_or_in_a_circle(run, name):
    test = run["tests"][f"page-{name}"]
    assert test.verdict is Verdict.FAIL
    assert [one.code for one in test.findings] == ["pages.cycle" if name == "cycle" else "pages.outside"]


def test_pages_take_no_more_than_a_run_may_record(run):
    test = run["tests"]["page-heavy"]
    assert test.verdict is Verdict.ERROR
    assert "limits.recorded" in test.reason


def test_redirects_that_lead_away_are_not_followed(run):
    moved = {name: test for name, test in run["tests"].items() if name.startswith("redirect-")}
    assert len(moved) == len(PAGES) + 2
    assert {name: test.reason for name, test in moved.items() if test.verdict is not Verdict.FAIL} == {}
    assert len(moved["redirect-loop"].steps[0].exchanges) == 6
    assert {len(test.steps[0].exchanges) for name, test in moved.items() if name != "redirect-loop"} == {1}


def test_addresses_in_answers_that_lead_away_are_not_fetched(run):
    tests = [run["tests"][f"attachment-{index}"] for index in range(len(PAGES))]
    assert {test.verdict for test in tests} == {Verdict.UNDECIDED}
    assert {one.code for test in tests for one in test.findings} == {"step.outside"}


def test_values_add_no_headers(run):
    assert not [headers for _, headers in run["seen"] if any("Injected" in line for line in headers)]


def test_the_run_ends_in_time_and_within_its_memory(run):
    ended = run["ended"]
    assert ended.returncode == 4, ended.stderr.decode()[-2000:]
    assert b"Traceback" not in ended.stdout + ended.stderr
    assert run["result"].finished is not None
    assert run["elapsed"] < 60
    peak = int(ended.stderr.decode().rpartition("PEAK ")[2]) * 1024
    assert peak < MEMORY, f"{peak / 2**20:.0f} MiB"


def test_no_secret_is_shown(run):
    assert CANARY.encode() not in run["ended"].stdout + run["ended"].stderr
