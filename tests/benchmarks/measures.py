"""What is measured: each function returns ratios and what they are made of, all from this one run on this machine."""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from fhir.resources.R4B.observation import Observation

from harness.cli.inputs import Item
from harness.cli.judging import Setup, judge_all
from harness.data import folder
from harness.fhir.definitions import Definitions
from harness.validation.validator import Validator
from tests.acceptance.many import accepted

WEIGHT = folder("fixtures") / "observation" / "mes-bodyweight.json"
OTHER_WEIGHT = WEIGHT.with_name("bodyweight.json")
ROOT = Path(__file__).resolve().parents[2]
_IMPORT = "from fhir.resources.R4B.observation import Observation"
_COMMAND = "from harness.cli import main; main()"


class Row(NamedTuple):
    """One line of the table: what, the ratio or figure, what is asked of it, and what it is made of."""

    name: str
    value: str
    target: str
    holds: bool | None
    detail: str


class Sizes(NamedTuple):
    """How much to measure; the smoke test takes little."""

    rounds: int = 7
    calls: int = 300
    starts: int = 7
    small: int = 100
    large: int = 10_000
    stream: int = 100_000
    tests: int = 500


def _seconds(call: Callable[[], Any], times: int) -> float:
    begun = time.perf_counter()
    for _ in range(times):
        call()
    return (time.perf_counter() - begun) / times


def _row(name: str, ratio: float, most: float, detail: str, *, least: bool = False, form: str = "{:.2f} x") -> Row:
    sign, holds = ("≥", ratio >= most) if least else ("≤", ratio <= most)
    return Row(name, form.format(ratio), f"{sign} {form.format(most)}", holds, detail)


def warm(sizes: Sizes) -> Row:
    """A validation on one warm core against fhir.resources parsing the same resource; medians of alternating rounds."""
    resource_ = orjson.loads(WEIGHT.read_bytes())
    validator = Validator(Definitions.embedded())
    assert validator.validate(resource_).ok
    ours, theirs = [], []
    for _ in range(sizes.rounds):
        theirs.append(_seconds(lambda: Observation.model_validate(resource_), sizes.calls))
        ours.append(_seconds(lambda: validator.validate(resource_), sizes.calls))
    one, other = statistics.median(ours), statistics.median(theirs)
    detail = f"{one * 1e3:.3f} ms against {other * 1e3:.3f} ms"
    return _row("warm: validate / fhir.resources model_validate", one / other, 1.5, detail)


def pyrofile(sizes: Sizes, python: Path | None, packages: Sequence[Path] = ()) -> Row | None:
    """Throughput against pyrofile-validator, which stands in an environment of its own; None where it does not.

    ``packages`` are folders of unpacked FHIR packages for it: the R4 core, and what defines the resource's profile.
    """
    if python is None:
        return None
    script = Path(__file__).with_name("pyrofile_speed.py")
    done = subprocess.run(
        [str(python), str(script), str(OTHER_WEIGHT), str(max(sizes.calls // 10, 3)), *map(str, packages)],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
    )
    theirs = float(done.stdout.strip().splitlines()[-1])
    validator = Validator(Definitions.embedded())
    resource_ = orjson.loads(OTHER_WEIGHT.read_bytes())
    validator.validate(resource_)
    ours = statistics.median(_seconds(lambda: validator.validate(resource_), sizes.calls) for _ in range(sizes.rounds))
    detail = f"{1 / ours:.0f} against {1 / theirs:.0f} a second"
    return _row("warm: throughput / pyrofile-validator", theirs / ours, 10, detail, least=True)


def _start(code: str, *arguments: str) -> tuple[float, float]:
    """Seconds and peak memory in MiB of one Python process."""
    probe = (
        "import resource, subprocess, sys, time\nbegun = time.perf_counter()\n"
        "subprocess.run([sys.executable, '-c', *sys.argv[1:]], check=True, stdout=subprocess.DEVNULL)\n"
        "print(time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe, code, *arguments], capture_output=True, text=True, check=True, cwd=ROOT
    )
    seconds, kib = done.stdout.split()
    return float(seconds), float(kib) / 1024


def cold(sizes: Sizes) -> list[Row]:
    """The command on one file with its profile, from nothing, against one import; medians of alternating starts."""
    profile = orjson.loads(WEIGHT.read_bytes())["meta"]["profile"][0]
    theirs, ours, memory = [], [], []
    for _ in range(sizes.starts):
        theirs.append(_start(_IMPORT)[0])
        seconds, peak = _start(_COMMAND, "validate", str(WEIGHT), "--profile", profile)
        ours.append(seconds)
        memory.append(peak)
    one, other = statistics.median(ours), statistics.median(theirs)
    detail = f"{one:.2f} s against {other:.2f} s"
    return [
        _row("cold: validate one file / import of fhir.resources", one / other, 2.5, detail),
        _row("cold: peak memory", max(memory), 90, "the largest of the starts", form="{:.0f} MiB"),
    ]


def bundle(entries: int) -> dict[str, Any]:
    """A collection Bundle of ``entries`` Observations, each of a Patient in it."""
    patient = {"resourceType": "Patient", "gender": "female"}
    weight = orjson.loads(WEIGHT.read_bytes())
    listed: list[dict[str, Any]] = []
    for number in range(entries // 2):
        url = f"https://example.test/Patient/p{number}"
        listed.append({"fullUrl": url, "resource": {**patient, "id": f"p{number}"}})
        observation = {**weight, "id": f"o{number}", "subject": {"reference": f"Patient/p{number}"}}
        listed.append({"fullUrl": f"https://example.test/Observation/o{number}", "resource": observation})
    return {"resourceType": "Bundle", "type": "collection", "entry": listed}


def scaling(sizes: Sizes) -> Row:
    """Cost of an entry in a large Bundle, with references between entries, against one in a small Bundle."""
    validator = Validator(Definitions.embedded())
    small, large = bundle(sizes.small), bundle(sizes.large)
    validator.validate(small)
    ratios, costs = [], []
    for _ in range(max(sizes.rounds // 2, 1)):
        repeats = max(sizes.large // sizes.small // 2, 1)
        one = _seconds(lambda: validator.validate(small), repeats) / sizes.small
        other = _seconds(lambda: validator.validate(large), 1) / sizes.large
        ratios.append(other / one)
        costs.append((one, other))
    middle = statistics.median(ratios)
    one, other = costs[ratios.index(sorted(ratios)[len(ratios) // 2])]
    detail = f"{other * 1e3:.3f} ms an entry of {sizes.large} against {one * 1e3:.3f} ms of {sizes.small}"
    return _row("scaling: entry of a large / of a small Bundle", middle, 1.3, detail)


def streaming(sizes: Sizes) -> list[Row]:
    """NDJSON through the command: peak memory of all its processes, and one process against two (median pair)."""
    with tempfile.TemporaryDirectory() as name:
        path = Path(name) / "many.ndjson"
        weight = orjson.loads(WEIGHT.read_bytes())
        with path.open("wb") as file:
            for number in range(sizes.stream):
                file.write(orjson.dumps({**weight, "id": f"o{number}"}) + b"\n")
        pairs, possible = [], []
        for _ in range(min(sizes.rounds, 3)):
            possible.append(_gain(sizes.calls * 40_000))
            pairs.append((_stream(path, 1)[0], _stream(path, 2)))
    alone, (together, _) = sorted(pairs, key=lambda pair: pair[0] / pair[1][0])[len(pairs) // 2]
    memory = max(peak for _, (_, peak) in pairs)
    return [
        _row(
            f"stream: peak memory of all processes, {sizes.stream} resources",
            memory,
            300,
            f"{together:.1f} s, {sizes.stream / together:.0f} a second",
            form="{:.0f} MiB",
        ),
        _row(
            "stream: one process / two",
            alone / together,
            1.7,
            f"{alone:.1f} s against {together:.1f} s; two bare loops here: {statistics.median(possible):.2f} x",
            least=True,
        ),
    ]


def _gain(steps: int) -> float:
    """What two processes gain over one here when they share nothing: no command can gain more."""
    loop = [sys.executable, "-c", f"for number in range({steps}): number * number % 7"]
    begun = time.perf_counter()
    for _ in range(2):
        subprocess.run(loop, check=True)
    middle = time.perf_counter()
    both = [subprocess.Popen(loop) for _ in range(2)]
    for process in both:
        assert process.wait() == 0
    return (middle - begun) / (time.perf_counter() - middle)


def _stream(path: Path, jobs: int) -> tuple[float, float]:
    """Seconds, and the greatest sum of the resident memory of the command and its workers, in MiB."""
    begun = time.perf_counter()
    arguments = [sys.executable, "-c", _COMMAND, "validate", str(path), "--jobs", str(jobs), "--format", "json"]
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, cwd=ROOT) as process:
        peak = 0.0
        while process.poll() is None:
            peak = max(peak, _resident(process.pid))
            try:
                process.wait(0.2)
            except subprocess.TimeoutExpired:
                continue
    return time.perf_counter() - begun, peak


def clustered(sizes: Sizes) -> Row | None:
    """This process against a Dask cluster of two workers, once these are warm; None where Dask is not installed."""
    try:
        distributed = import_module("distributed")
    except ImportError:
        return None
    weight = orjson.loads(WEIGHT.read_bytes())
    number = min(sizes.stream, 10_000)
    items = [Item(f"x:{n}", orjson.dumps({**weight, "id": f"o{n}"})) for n in range(number)]
    with distributed.LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None) as cluster:
        address = cluster.scheduler_address.replace("tcp://", "dask://")
        list(judge_all(Setup(), items[:200], jobs=2, executor=address))
        together = _seconds(lambda: list(judge_all(Setup(), items, jobs=2, executor=address)), 1)
    alone = _seconds(lambda: list(judge_all(Setup(), items, jobs=1)), 1)
    detail = f"{number} resources: {alone:.1f} s against {together:.1f} s; load {os.getloadavg()[0]:.1f}"
    return _row("cluster: one process / two workers of Dask", alone / together, 1.0, detail, least=True)


def verifying(sizes: Sizes) -> Row:
    """Processor time of ``verify`` on a file of many tests, less that of starting Python; the least of the starts."""
    with tempfile.TemporaryDirectory() as name:
        file, anchor = accepted(Path(name), sizes.tests)
        arguments = ("verify", str(file), "--trust", str(anchor))
        whole = min(_processor("-c", _COMMAND, *arguments) for _ in range(sizes.starts))
        size = file.stat().st_size / 1024 / 1024
    bare = min(_processor("-c", "pass") for _ in range(sizes.starts))
    detail = f"{whole:.2f} s against {bare:.2f} s, a file of {size:.1f} MiB"
    what = f"acceptance: verify a file of {sizes.tests} tests, above Python's start"
    return _row(what, whole - bare, 0.5, detail, form="{:.2f} s")


def _processor(*arguments: str) -> float:
    """Seconds of processor time of one Python process that finds its modules compiled."""
    writing = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=ROOT, env=writing, timeout=60)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _resident(pid: int) -> float:
    """Resident memory of a process and of its children, in MiB; 0 where the system does not tell."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        below = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return 0.0
    return pages * resource.getpagesize() / 1024 / 1024 + sum(_resident(int(child)) for child in below)


def all_rows(sizes: Sizes, python: Path | None = None, packages: Sequence[Path] = ()) -> list[Row]:
    """Every measure, in the order of the table."""
    compared, cluster = pyrofile(sizes, python, packages), clustered(sizes)
    return [
        warm(sizes),
        *([compared] if compared else []),
        *cold(sizes),
        scaling(sizes),
        *streaming(sizes),
        *([cluster] if cluster else []),
        verifying(sizes),
    ]


def as_json(rows: list[Row]) -> str:
    """The rows as JSON, for those who keep the figures."""
    return json.dumps([row._asdict() for row in rows], ensure_ascii=False, indent=2)
