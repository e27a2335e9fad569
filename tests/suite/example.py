"""A test set that tests change, and how it is loaded."""

from pathlib import Path

from harness.suite.loader import load_testset
from harness.suite.model import TestSet

DATA = Path(__file__).parent / "data"
FIXTURES = DATA / "fixtures"

HEAD = """\
testset: a-set
version: 1.0.0
title: {en: A set, fr: Un jeu}
candidate: server
fixtures: {weight: observation/weight.json}
variables:
  patient: ${candidate.identities.default}
  code: {system: "http://loinc.org", value: 29463-7}
setup:
  - create: ${fixtures.weight}
    save: {ready: id}
tests:
  - id: first
    title: {en: First, fr: Premier}
    steps:
      - read: Observation/1
        expect: {status: 200}
        save: {version: meta.versionId}
  - id: second
    title: {en: Second, fr: Second test}
"""
"""The next line is line 21, inside the test ``second``."""

STEPS = """\
    needs: [Observation.create, "Slot?start", transaction, Observation/$lastn]
    each:
      - {code: 29463-7, status: 200}
      - {code: "8302-2", status: 404}
    depends: first
    steps:
      - capabilities:
      - history:
      - create: {resourceType: Observation, status: final, code: {text: "${code}"}}
        as: none
        format: xml
        if-none-exist: code=${code}
        headers: {X-Id: "${random.uuid}", Accept: null}
        save: {stored: header.Location.id, tag: header.ETag, answer: status}
      - patch: {target: "Observation/${stored}", operations: [{op: remove, path: /status}]}
        if-match: W/"1"
      - operation: Observation/$lastn
        params: {max: 1, code: [a, b], exact: true}
      - request: {method: POST, path: "Observation/_search", body: "code=${each.code}", content-type: text/plain}
        until: {attempts: 3}
        expect:
          - status: ["${each.status}", 2xx]
            within: 2
          - level: SHOULD
            that: code.text = '${stored} %none' and %resource.status = %answer and unit = '%'
            searchset: {matches: {min: 1}, total: 3, excludes: ["Observation/${ready}"]}
          - level: SHALL
            within: 0.5
            same-as: {value: "${fixtures.weight}", except: [id]}
            body: application/fhir+json
"""


def load(folder: Path, text: str | bytes) -> TestSet:
    """Load ``text`` as a set that stands in ``folder``."""
    path = folder / "set.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_testset(path, root=folder, fixtures=FIXTURES)


def steps(step: str) -> str:
    """The only step of a test."""
    return f"    steps:\n      - {step}\n"
