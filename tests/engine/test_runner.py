"""Whole runs against a small server over a real socket, and the same runs judged again from their record."""

import asyncio

import pytest

from harness.engine import Candidate, Replay, Selection, run, run_sync
from harness.engine.events import RunFinished, RunStarted, SetFinished, StepFinished, TestFinished
from harness.engine.journal import JournalWriter, read_journal
from harness.engine.results import RunResult
from harness.engine.verdict import Verdict
from harness.errors import JournalError

STORED = """
tests:
  - id: stored
    TITLE
    verifies: [A-001]
    needs: [Patient.create, Patient?identifier]
    steps:
      - create: ${fixtures.patient}
        set: {birthDate: "${time.today}", "name[0].given": ["${random.token}"]}
        expect: {status: 201, headers: {Location: present, ETag: '/^W/'}}
        save: {id: header.Location.id, version: meta.versionId}
      - read: Patient/${id}
        expect:
          status: 200
          type: Patient
          content-type: json
          that: ["id = '${id}'", "id = %id", "birthDate = today()"]
          same-as: {sent: 0, except: [id, meta]}
      - search: Patient
        params: {identifier: "${candidate.identities.default.token}"}
        pages: all
        expect: {status: 2xx, searchset: {includes: ["Patient/${id}"], every-match: "name.exists()"}}
"""
NEGATIVE = """
  - id: refused
    TITLE
    verifies: [A-002]
    control: stored
    steps:
      - create: ${fixtures.patient}
        remove: [name]
        expect: {status: 422, outcome: {severity: error, code: required}}
"""


@pytest.fixture
def go(candidate, definitions, lenient):
    def go(*sets, **options):
        return run_sync(sets, options.pop("candidate", candidate), definitions=definitions, judge=lenient, **options)

    return go


def verdicts(result):
    return {test.started.test: test.verdict.value for test in result.tests}


def codes(result):
    return [finding.code for test in result.tests for finding in test.findings]


def test_a_good_server_passes_and_is_left_clean(go, load, tiny):
    result = go(load(STORED + NEGATIVE))
    assert verdicts(result) == {"stored": "pass", "refused": "pass"}, codes(result)
    assert result.verdict is Verdict.PASS
    assert tiny.stored == {}
    assert [path for method, path, *_ in tiny.requests if path == "metadata"] == ["metadata"]
    deleted = [headers for method, _, headers, _ in tiny.requests if method == "DELETE"]
    assert deleted[0]["authorization"] == "Bearer canary-token-1"


@pytest.mark.parametrize(
    ("fault", "code", "verdict"),
    [
        ("loses", "same-as.missing", "fail"),
        ("no-location", "header.missing", "fail"),
        ("down", "needs.unknown", "undecided"),
    ],
)
def test_a_bad_server_does_not(go, load, tiny, fault, code, verdict):
    tiny.broken.add(fault)
    result = go(load(STORED))
    assert verdicts(result) == {"stored": verdict}
    assert code in codes(result)
    finding = result.tests[0].findings[0]
    assert finding.message
    assert finding.message_fr
    assert "\x1b" not in finding.message


def test_findings_say_which_requirement_and_where_in_the_test_set(go, load, tiny):
    tiny.broken.add("loses")
    (finding,) = [one for one in go(load(STORED)).tests[0].findings if one.code == "same-as.missing"]
    assert finding.requirements == ("A-001",)
    assert finding.location.startswith("tiny.yaml:")
    assert finding.expression == "Patient.identifier"
    assert finding.check == "same-as"
    assert finding.exchange == 0


def test_a_negative_test_needs_its_control(go, load, tiny):
    tiny.broken.add("loses")
    result = go(load(STORED + NEGATIVE))
    assert verdicts(result) == {"stored": "fail", "refused": "skip"}
    assert "stored came to fail" in result.tests[1].reason


def test_a_negative_test_fails_where_the_server_accepts(go, load, tiny):
    tiny.broken.add("accepts-all")
    assert verdicts(go(load(STORED + NEGATIVE))) == {"stored": "pass", "refused": "fail"}
    assert tiny.stored == {}


def test_a_control_comes_along_with_the_negative_test(go, load):
    result = go(load(STORED + NEGATIVE), select=Selection(tests=["refused"]))
    assert verdicts(result) == {"stored": "pass", "refused": "pass"}
    assert result.started.test_sets[0].tests == ("stored", "refused")


def test_what_is_not_declared_is_skipped(go, load):
    result = go(load(STORED.replace("Patient?identifier", "Patient?phonetic")))
    assert verdicts(result) == {"stored": "skip"}
    assert "Patient?phonetic" in result.tests[0].reason
    assert result.verdict is Verdict.SKIP


def test_a_failed_set_up_is_an_error_and_is_cleaned_up(go, load, tiny):
    tests = (
        """
setup:
  - create: ${fixtures.patient}
  - read: Patient/nobody
"""
        + STORED
    )
    result = go(load(tests))
    assert verdicts(result) == {"stored": "error"}
    assert "404" in result.tests[0].reason
    assert tiny.stored == {}


def test_what_the_set_up_saved_is_known(go, load):
    text = """
variables: {label: "x-${random.uuid}"}
setup:
  - create: ${fixtures.patient}
    set: {"name[0].text": "${label}"}
    save: {shared: id}
tests:
  - id: reads
    TITLE
    steps:
      - read: Patient/${shared}
        expect: {status: 200, that: "name.text = '${label}'"}
"""
    assert verdicts(go(load(text))) == {"reads": "pass"}


def test_what_cannot_be_deleted_is_listed(go, load, tiny):
    tiny.broken.add("keeps")
    result = go(load(STORED))
    assert verdicts(result) == {"stored": "pass"}
    assert result.sets["tiny"].finished.leftovers == ("Patient/1",)


@pytest.mark.parametrize(("fault", "code"), [("leaves", "pages.outside"), ("cycles", "pages.cycle")])
def test_paging_that_goes_astray(go, load, tiny, fault, code):
    tiny.broken.add(fault)
    tiny.stored = {"Patient/a": {"resourceType": "Patient", "id": "a"}, "Patient/b": {"resourceType": "Patient"}}
    text = "tests:\n  - {id: pages, TITLE, steps: [{search: Patient, pages: all, expect: {status: 200}}]}\n"
    result = go(load(text))
    assert verdicts(result) == {"pages": "fail"}
    assert code in codes(result)
    assert len([one for one in tiny.requests if one[0] == "GET"]) <= 2


def test_rows_polling_levels_and_the_rest(go, load):
    text = """
tests:
  - id: rows
    TITLE
    each: [{path: metadata, code: 200}, {path: Patient/none, code: 404}]
    steps: [{request: {method: GET, path: "${path}"}, expect: {status: "${each.code}"}}]
  - id: polled
    TITLE
    steps: [{read: slow, until: {attempts: 4, interval: 0}, expect: {status: 200}}]
  - id: should
    TITLE
    level: SHOULD
    steps: [{read: Patient/none, expect: {status: 200}}]
  - id: strict
    TITLE
    level: SHOULD
    steps: [{read: Patient/none, expect: [{status: 200}, {level: SHALL, type: Patient}]}]
  - id: empty
    TITLE
    steps: [{capabilities: }]
  - id: xml
    TITLE
    steps: [{read: Patient/1, format: xml, expect: {status: 200}}]
  - id: depends
    TITLE
    depends: should
    steps: [{capabilities: , expect: {status: 200}}]
  - id: nobody
    TITLE
    steps: [{capabilities: , as: nobody, expect: {status: 200}}]
  - id: derived
    TITLE
    control: polled
    mutants: {of: "${fixtures.patient}", profile: "http://x/y", send: create, expect: {status: 422}}
  - id: outside
    TITLE
    steps: [{request: {method: GET, path: "http://other.example/x"}, expect: {status: 200}}]
"""
    result = go(load(text))
    assert verdicts(result) == {
        "rows[0]": "pass",
        "rows[1]": "pass",
        "polled": "pass",
        "should": "warn",
        "strict": "fail",
        "empty": "error",
        "xml": "fail",
        "depends": "pass",
        "nobody": "error",
        "derived": "undecided",
        "outside": "undecided",
    }
    polled = next(test for test in result.tests if test.started.test == "polled")
    assert len(polled.steps[0].exchanges) == 3


def test_packages_that_do_not_resolve(go, load):
    result = go(load("packages: [no.such.package]\n" + STORED))
    assert verdicts(result) == {"stored": "undecided"}


def test_nobody_there_is_an_error(go, load):
    result = go(load(STORED + NEGATIVE), candidate=Candidate.at("http://127.0.0.1:9/fhir"))
    assert verdicts(result) == {"stored": "error", "refused": "error"}


def test_a_fault_of_the_harness_is_an_error_and_the_run_goes_on(candidate, definitions, load):
    class Broken:
        def validate(self, resource, profiles=()):
            raise KeyError("canary-token-1")

    text = """
tests:
  - {id: one, TITLE, steps: [{capabilities: , expect: {status: 200, conforms: base}}]}
  - {id: two, TITLE, steps: [{capabilities: , expect: {status: 200}}]}
"""
    result = run_sync([load(text)], candidate, definitions=definitions, judge=Broken())
    assert verdicts(result) == {"one": "error", "two": "pass"}
    (finding,) = result.tests[0].finished.findings
    assert finding.code == "harness"
    assert "KeyError" in finding.message
    assert "canary" not in finding.message


@pytest.mark.parametrize("jobs", [1, 4])
def test_a_recorded_run_is_judged_again_with_the_same_verdicts(go, load, tiny, tmp_path, jobs):
    tiny.broken.add("loses")
    others = """
  - {id: polled, TITLE, steps: [{read: slow, until: {attempts: 4, interval: 0}, expect: {status: 200}}]}
  - {id: alone, TITLE, serial: true, steps: [{capabilities: , expect: {status: 201}}]}
  - {id: wrong, TITLE, steps: [{read: "Patient/${candidate.software.nothing}", expect: {status: 200}}]}
"""
    sets = [load(STORED + NEGATIVE + others), load(STORED + NEGATIVE, "second")]
    first = go(*sets, writers=[JournalWriter(tmp_path / "run")], jobs=jobs, seed=7, command=["run", "--token", "x"])
    tiny.broken.add("down")
    asked = len(tiny.requests)
    events = list(read_journal(tmp_path / "run"))
    started = events[0]
    again = go(
        *sets, candidate=Candidate.of(started.candidate), transport=Replay(events), seed=started.seed, jobs=5 - jobs
    )
    assert len(tiny.requests) == asked
    assert [test.verdict for test in again.tests] == [test.verdict for test in first.tests]
    assert [test.findings for test in again.tests] == [test.findings for test in first.tests]
    assert [test.steps for test in again.tests] == [test.steps for test in first.tests]
    assert {"fail", "error", "pass", "skip"} == {test.verdict.value for test in first.tests}
    assert started.command == ("run", "--token", "«redacted:token»")
    assert "canary-token-1" not in (tmp_path / "run" / "journal.ndjson").read_text("utf-8")


def test_a_record_of_other_requests_is_refused(go, load, tmp_path):
    go(load(STORED), writers=[JournalWriter(tmp_path / "run")], seed=7)
    events = list(read_journal(tmp_path / "run"))
    other = load(STORED.replace("birthDate:", "deceasedDateTime:"))
    again = go(other, candidate=Candidate.of(events[0].candidate), transport=Replay(events), seed=7)
    assert verdicts(again) == {"stored": "error"}
    assert "the body differs" in again.tests[0].reason
    assert codes(again) == ["replay"]


def test_an_answer_without_a_body_is_nothing_to_look_at(go, load):
    text = """
tests:
  - id: deleted
    TITLE
    steps:
      - create: ${fixtures.patient}
        expect: {status: 201}
        save: {id: header.Location.id}
      - delete: Patient/${id}
        expect: {body: empty}
        save: {told: "iif(id.exists(), id, '-')"}
      - read: Patient/${id}-${told}
        expect: {status: 404}
"""
    result = go(load(text))
    assert verdicts(result) == {"deleted": "pass"}
    assert result.tests[0].steps[1].saved == {"told": "-"}


def test_jobs_give_the_same_results_in_file_order(go, load):
    rows = ", ".join(f"{{n: {number}}}" for number in range(12))
    text = f"""
tests:
  - id: row
    TITLE
    each: [{rows}]
    steps:
      - create: ${{fixtures.patient}}
        set: {{"name[0].text": "n${{n}}"}}
        expect: {{status: 201}}
        save: {{id: id}}
      - read: Patient/${{id}}
        expect: {{that: "name.text = 'n${{n}}'"}}
"""
    results = [go(load(text), jobs=jobs, seed=3) for jobs in (1, 6)]
    assert verdicts(results[0]) == verdicts(results[1])
    assert list(verdicts(results[1])) == [f"row[{number}]" for number in range(12)]


def test_the_order_of_events(candidate, definitions, lenient, load):
    async def collect():
        return [event async for event in run([load(STORED)], candidate, definitions=definitions, judge=lenient)]

    events = asyncio.run(collect())
    assert isinstance(events[0], RunStarted)
    assert isinstance(events[-1], RunFinished)
    assert isinstance(events[-2], SetFinished)
    kinds = [type(event).__name__ for event in events]
    assert kinds.index("TestStarted") < kinds.index("TestFinished")
    assert events[0].definitions
    assert all(len(source.digest) == 64 for source in events[0].definitions)
    assert RunResult.read(events).verdict is Verdict.PASS
    assert [type(event) for event in events if isinstance(event, StepFinished)]


def test_a_stopped_run_cleans_up_and_writes_that_it_did(candidate, definitions, lenient, load, tiny, tmp_path):
    text = """
tests:
  - id: waits
    TITLE
    steps:
      - create: ${fixtures.patient}
        expect: {status: 201}
      - read: wait
        expect: {status: 200}
"""
    writer = JournalWriter(tmp_path / "run")

    async def stop_at_the_first_step():
        events = run([load(text)], candidate, definitions=definitions, judge=lenient, writers=[writer])
        async for event in events:
            if isinstance(event, StepFinished):
                assert tiny.stored
                break
        await events.aclose()

    asyncio.run(stop_at_the_first_step())
    assert tiny.stored == {}
    recorded = list(read_journal(tmp_path / "run"))
    assert [event.phase for event in recorded if isinstance(event, StepFinished)] == ["test", "cleanup"]
    assert not [event for event in recorded if isinstance(event, TestFinished)]
    assert RunResult.read(recorded).verdict is Verdict.ERROR


CANARIES = ("canary-bearer-1", "canary/id+token=2", "canary header 3", "canary-attribute-4")


def test_no_secret_is_recorded_wherever_the_candidate_echoes_it(go, load, tiny, tmp_path, monkeypatch):
    for number, canary in enumerate(CANARIES):
        monkeypatch.setenv(f"CANARY_{number}", canary)
    path = tmp_path / "candidate.yaml"
    path.write_text(
        f"""
base-url: {tiny.base}
identities:
  default:
    bearer: ${{CANARY_0}}
    id-token: {{header: X-Proof, value: "${{CANARY_1}}"}}
    headers: {{X-Own: "${{CANARY_2}}"}}
    name: ${{CANARY_3}}
""",
        encoding="utf-8",
    )
    text = """
tests:
  - id: echoes
    TITLE
    steps:
      - create: ${fixtures.patient}
        set: {"name[0].family": "${candidate.identities.default.name}"}
        expect: {status: 400, outcome: {diagnostics: "nothing like it ${candidate.identities.default.name}"}}
        save: {said: "issue.diagnostics", echo: header.X-Echo}
      - search: Patient
        params: {name: "${candidate.identities.default.name}"}
        expect: {status: 400, that: "issue.diagnostics.contains('${candidate.identities.default.name}')"}
"""
    tiny.broken.add("echoes")
    writer = JournalWriter(tmp_path / "run")
    result = go(
        load(text),
        candidate=Candidate.from_file(path),
        writers=[writer],
        command=["run", "--header", f"X-Own: {CANARIES[2]}"],
    )
    assert verdicts(result) == {"echoes": "fail"}
    assert result.tests[0].steps[1].checks[1].verdict is Verdict.PASS  # redacted values still compare equal
    assert b"canary-attribute-4" in tiny.requests[0][3]
    recorded = (tmp_path / "run" / "journal.ndjson").read_text("utf-8")
    for canary in (*CANARIES, "canary%2Fid%2Btoken%3D2", "canary+header+3", "canary%20header%203"):
        assert canary not in recorded


def test_a_writer_that_fails_stops_the_run_and_the_candidate_is_cleaned_up(go, load, tiny):
    class Full:
        def open(self):
            self.written = 0

        def write(self, event):
            self.written += 1
            if isinstance(event, StepFinished) and event.interaction == "create":
                raise OSError("no space left")

        def close(self):
            self.closed = True

    writer = Full()
    with pytest.raises(JournalError, match="no space left"):
        go(load(STORED), writers=[writer])
    assert writer.closed
    assert tiny.stored == {}


def test_an_error_page_is_a_clear_failure(go, load, tiny):
    tiny.broken.add("down")
    result = go(
        load("tests:\n  - {id: one, TITLE, steps: [{read: Patient/1, expect: {status: 200, type: Patient}}]}\n")
    )
    assert codes(result) == ["status.server-error", "body.not-fhir"]
    assert "Bad gateway" in result.tests[0].reason
    assert "\x1b" not in result.tests[0].reason


def test_a_set_runs_at_its_endpoint_and_is_skipped_where_there_is_none(go, load, tiny, tmp_path):
    tests = STORED.replace("tests:", "endpoint: other\ntests:")
    journal = tmp_path / "run"
    elsewhere = Candidate.at("http://127.0.0.1:1/fhir", "canary-token-1", endpoints={"other": tiny.base})
    result = go(load(tests), candidate=elsewhere, writers=[JournalWriter(journal)], seed=1)
    assert verdicts(result) == {"stored": "pass"}, codes(result)
    started = result.started
    again = go(load(tests), candidate=Candidate.of(started.candidate), transport=Replay(read_journal(journal)), seed=1)
    assert verdicts(again) == {"stored": "pass"}, codes(again)
    tiny.requests.clear()
    without = go(load(tests + NEGATIVE))
    assert verdicts(without) == {"stored": "skip", "refused": "skip"}
    assert "endpoint" in codes(without)
    assert "other" in without.tests[0].reason
    assert tiny.requests == []


def test_each_endpoint_has_its_own_capability_statement(go, load, tiny):
    named = load(STORED.replace("tests:", "endpoint: other\ntests:"), name="there")
    both = Candidate.at(tiny.base, "canary-token-1", endpoints={"other": f"{tiny.base}/"})
    result = go(load(STORED), named, candidate=both)
    assert list(verdicts(result).values()) == ["pass"]
    assert [path for _, path, *_ in tiny.requests].count("metadata") == 2


CALLERS = """
tests:
  - id: caller
    TITLE
    needs: "identity(${who})"
    each: [{who: none}, {who: expired}]
    steps:
      - search: Patient
        as: ${who}
        expect: {status: 200}
  - id: choice
    TITLE
    needs: policy(offset-unit=row)
    steps:
      - search: Patient
        params: {"${candidate.policy.patient-parameter}": a}
        expect: {status: 200}
"""


def test_what_the_candidate_file_lacks_is_skipped_without_a_request(go, load, tiny):
    result = go(load(CALLERS))
    assert verdicts(result) == {"caller[0]": "pass", "caller[1]": "skip", "choice": "skip"}
    assert codes(result) == ["needs.identity", "needs.policy"]
    assert len(tiny.requests) == 1  # the CapabilityStatement says nothing of callers and choices
    assert result.started.policies["offset-unit"] == "page"


def test_names_of_parameters_may_be_chosen(go, load, tiny):
    go(load(CALLERS.replace("unit=row", "unit=page")))
    assert tiny.queries == ["", "subject.identifier=a"]


SENT = """
tests:
  - id: asked
    TITLE
    steps:
      - create: ${fixtures.patient}
        expect:
          - {status: 201}
          - {of: request, type: Patient, content-type: json, that: "name.family = 'PATIENT-TEST'"}
        save: {place: header.Location}
      - read: ${place}
        expect: [{type: Patient}, {of: request, headers: {Accept: WANTED}, url: '/Patient.*_history/'}]
"""


@pytest.mark.parametrize(
    ("wanted", "level", "verdict"), [("/json/", "SHALL", "pass"), ("/xml/", "SHALL", "error"), ("/xml/", "MAY", "warn")]
)
def test_what_the_harness_sent_can_be_judged_and_is_its_own_fault(go, load, tiny, tmp_path, wanted, level, verdict):
    tiny.stored["Patient/1/_history/1"] = {"resourceType": "Patient", "id": "1"}
    text = SENT.replace("WANTED", wanted).replace("of: request, headers", f"of: request, level: {level}, headers")
    result = go(load(text), writers=[JournalWriter(tmp_path / "run")])
    assert verdicts(result) == {"asked": verdict}
    recorded = list(read_journal(tmp_path / "run"))
    known = Candidate.of(recorded[0].candidate)
    again = go(load(text), candidate=known, transport=Replay(recorded), seed=recorded[0].seed)
    assert [test.findings for test in again.tests] == [test.findings for test in result.tests]
    findings = [one for test in result.tests for step in test.steps for c in step.checks for one in c.findings]
    assert [one.of for one in findings] == ["request"] * (verdict != "pass")


def test_a_long_answer_is_judged_aside_so_that_the_time_of_other_tests_goes_on(candidate, definitions, lenient, load):
    aside = []

    class Judge:
        def validate(self, resource, **options):
            try:
                asyncio.get_running_loop()
            except RuntimeError:
                aside.append(True)
            else:
                aside.append(False)
            return lenient.validate(resource, **options)

    text = "tests:\n"
    for name, family in (("short", "a"), ("long", "a" * 300_000)):
        text += f"""
  - id: {name}
    TITLE
    steps:
      - create: ${{fixtures.patient}}
        set: {{"name[0].family": "{family}"}}
        expect: {{status: 201, conforms: base}}
"""
    result = run_sync([load(text)], candidate, definitions=definitions, judge=Judge())
    assert verdicts(result) == {"short": "pass", "long": "pass"}
    assert aside == [False, True]
