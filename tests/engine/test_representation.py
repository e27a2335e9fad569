"""Steps in XML: what goes over the wire, how it is judged, and judged again."""

import pytest

from harness.engine import Candidate, Replay, run_sync
from harness.engine.journal import JournalWriter, read_journal
from tests.engine.hostile import BILLION, EXTERNAL
from tests.engine.tls import TLSServer

WEIGHT = """
    {resourceType: Observation, status: final, code: {text: Weight}, valueQuantity: {value: 71.50, unit: kg}}
"""
STORED = f"""
tests:
  - id: stored
    TITLE
    steps:
      - create: {WEIGHT.strip()}
        format: xml
        expect: {{status: 201, content-type: xml}}
        save: {{id: header.Location.id}}
      - read: Observation/${{id}}
        format: xml
        expect:
          status: 200
          content-type: application/fhir+xml
          type: Observation
          conforms: base
          that: value.value = 71.50
          same-as: {{sent: 0, except: [id, meta, text]}}
      - read: Observation/${{id}}
        expect: {{status: 200, content-type: json, same-as: {{sent: 0, except: [id, meta, text]}}}}
      - search: Observation
        format: xml
        params: {{_id: "${{id}}"}}
        expect: {{status: 200, searchset: {{includes: ["Observation/${{id}}"]}}}}
"""
READ = """
tests:
  - id: read
    TITLE
    steps:
      - read: Patient/1
        format: xml
        expect: {status: 200, type: Patient, conforms: base}
"""


def verdicts(result):
    return [(test.verdict.value, [one.code for one in test.findings], test.reason) for test in result.tests]


def test_resources_go_and_come_as_xml(load, sandbox, definitions, tmp_path):
    tests = load(STORED)
    folder = tmp_path / "run"
    result = run_sync([tests], Candidate.at(sandbox), definitions=definitions, writers=[JournalWriter(folder)], seed=1)
    assert verdicts(result) == [("pass", [], "")]
    exchanges = [one for step in result.tests[0].steps[:2] for one in step.exchanges]
    assert exchanges[0].request.body.startswith(b"<?xml")
    assert b'<value value="71.50"/>' in exchanges[0].request.body
    assert b'<value value="71.50"/>' in exchanges[1].response.body
    assert dict(exchanges[0].request.headers)["Accept"] == "application/fhir+xml"
    again = run_sync(
        [tests],
        Candidate.of(result.started.candidate),
        definitions=definitions,
        transport=Replay(read_journal(folder)),
        seed=1,
    )
    assert verdicts(again) == verdicts(result)


def served(load, definitions, body, kind=b"application/fhir+xml"):
    with TLSServer(None, b"Content-Type: " + kind, body=body) as server:
        server._head = server._head.replace(b"Content-Type: application/fhir+json\r\n", b"")
        (found,) = verdicts(run_sync([load(READ)], Candidate.at(server.url), definitions=definitions))
    return found


@pytest.mark.parametrize(
    ("body", "kind", "said"),
    [
        (BILLION, b"application/fhir+xml", "FHIR XML"),
        (EXTERNAL, b"application/fhir+xml", "external entity"),
        (b'<Patient xmlns="http://hl7.org/fhir">' + b"<name>" * 50_000, b"application/fhir+xml", "FHIR XML"),
        (b'<Patient xmlns="http://hl7.org/fhir"><nom/></Patient>', b"application/fhir+xml", "no element of Patient"),
        (b"<html/>", b"text/html", "XML was asked for, and the answer is text/html"),
        (b'{"resourceType": "Patient"}', b"application/fhir+json", "XML was asked for"),
    ],
    ids=["billion laughs", "external entity", "deep", "unknown element", "html", "json"],
)
def test_what_is_no_resource_in_xml_fails(load, definitions, body, kind, said):
    verdict, codes, reason = served(load, definitions, body, kind)
    assert (verdict, codes[0]) == ("fail", "body.not-fhir")
    assert said in reason
    assert "root:" not in reason


def test_a_patient_in_xml_passes(load, definitions):
    found = served(load, definitions, b'<Patient xmlns="http://hl7.org/fhir"><active value="true"/></Patient>')
    assert found == ("pass", [], "")


def test_what_xml_cannot_hold_is_a_fault_of_the_step(load, definitions, sandbox):
    step = "tests:\n  - id: t\n    TITLE\n    steps:\n      - create: {resourceType: Patient, nom: x}\n"
    tests = load(step + "        format: xml\n        expect: {status: 400}\n")
    ((verdict, codes, _),) = verdicts(run_sync([tests], Candidate.at(sandbox), definitions=definitions))
    assert (verdict, codes) == ("error", ["step.target"])
