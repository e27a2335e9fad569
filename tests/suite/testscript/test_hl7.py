"""HL7's published example TestScripts of R4, from the artifact of the Maven Central that holds the specification's
examples: imported whole, in JSON as in XML, and run against our sandbox and against a server that others wrote.

The files are HL7's and stay where Maven puts them; without them the tests are skipped, and the synthetic scripts beside
this file go through the same code.
"""

import json
import zipfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from harness import Definitions
from harness.engine import Candidate, run_sync
from harness.engine.results import RunResult
from harness.fhir.xml import from_xml
from harness.sandbox.server import SandboxServer
from harness.suite.loader import load_testset
from harness.suite.testscript import Folder, Imported, import_testscript
from tests.interop.servers import sekmet

_ARTIFACT = "com.ibm.fhir:fhir-examples:4.11.1"
JAR = Path.home() / ".m2/repository/com/ibm/fhir/fhir-examples/4.11.1/fhir-examples-4.11.1.jar"
SCRIPTS = ("", "-history", "-multisystem", "-readtest", "-search", "-update")
SEARCHED = {"PatientSearchFamilyName": "Chalmers", "PatientSearchGivenName": "Peter"}
STORED: list[dict[str, Any]] = [
    {"resourceType": "Organization", "id": "1", "name": "Essai"},
    {"resourceType": "Patient", "id": "pat2", "name": [{"family": "ESSAI"}]},
    {"resourceType": "Patient", "id": "known", "name": [{"family": "ESSAI"}]},
]
"""What HL7's scripts take to be on a server: what their Patients refer to, and one that can be read."""
READABLE = dict.fromkeys(("KnownPatientResourceId", "Dest1PatientResourceId", "Dest2PatientResourceId"), "known")

pytestmark = [
    pytest.mark.skipif(
        not JAR.is_file(),
        reason=f"no {JAR.name} in ~/.m2: mvn dependency:get -Dartifact={_ARTIFACT} -Dtransitive=false",
    ),
    pytest.mark.xdist_group("hl7-testscripts"),
]


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scripts and the Patients: ``json/spec`` and ``xml/spec``."""
    folder = tmp_path_factory.mktemp("spec")
    with zipfile.ZipFile(JAR) as archive:
        wanted = ("testscript-example", "patient-example", "bundle-example")
        names = [one for one in archive.namelist() if "/spec/" in one and Path(one).name.startswith(wanted)]
        archive.extractall(folder, names)
    return folder


def _read(path: Path) -> dict[str, Any]:
    data = path.read_bytes()
    whole = from_xml(data, Definitions.embedded()) if path.suffix == ".xml" else json.loads(data, parse_float=Decimal)
    assert isinstance(whole, dict)
    return whole


def _imported(spec: Path, kind: str, name: str, change: Callable[[str], str] = str) -> Imported:
    folder = spec / kind / "spec"
    script = json.loads(change(json.dumps(_read(folder / f"testscript-example{name}.{kind}"), default=str)))
    declared = {one["name"] for one in script.get("variable", ())}
    given = {key: value for key, value in {**SEARCHED, **READABLE}.items() if key in declared}
    return import_testscript(script, Folder(folder, _read).find, given)


LEFT_OUT = {
    "": ["metadata.capability"],
    "-history": ["metadata.capability"],
    "-multisystem": ["metadata.capability", "test 01-ReadPatient-Destination1, action 2"],
    "-readtest": ["metadata.capability"],
    "-search": ["metadata.capability"],
    "-update": ["metadata.capability"],
}
"""A CapabilityStatement that is named by its address; that a read is a GET, which no read can help to be."""


@pytest.mark.parametrize("name", SCRIPTS)
def test_all_but_what_cannot_be_said_is_carried_over(spec: Path, name: str) -> None:
    found = _imported(spec, "json", name)
    assert [loss.place for loss in found.losses if not loss.kept] == LEFT_OUT[name]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_in_xml_is_the_same(spec: Path, name: str) -> None:
    json_, xml = (_imported(spec, kind, name) for kind in ("json", "xml"))
    assert json_.test_set == xml.test_set
    assert json_.losses == xml.losses
    assert {key: value["id"] for key, value in json_.fixtures.items()} == {
        key: value["id"] for key, value in xml.fixtures.items()
    }


@pytest.fixture(scope="module", params=["sandbox", pytest.param("sekmet", marks=pytest.mark.interop)])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The FHIR base of a server that holds what the scripts take to be there."""
    if request.param == "sekmet":
        pytest.importorskip("sekmet", reason="sekmet-fhir is not installed: pip install 'fhir-harness[interop]'")
    started = SandboxServer() if request.param == "sandbox" else sekmet(tmp_path_factory.mktemp("sekmet"))
    with started as found:
        base = found if isinstance(found, str) else found.base_url
        for resource in STORED:
            address = f"{base}/{resource['resourceType']}/{resource['id']}"
            httpx.put(address, json=resource, headers={"Content-Type": "application/fhir+json"}).raise_for_status()
        yield base


def _run(found: Imported, folder: Path, base: str) -> RunResult:
    name = found.test_set["testset"]
    for key, resource in found.fixtures.items():
        path = folder / "fixtures" / name / f"{key}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(resource, default=str), encoding="utf-8")
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump(found.test_set, sort_keys=False), encoding="utf-8")
    loaded = load_testset(file, root=folder, fixtures=folder / "fixtures")
    return run_sync([loaded], Candidate.at(base), definitions=Definitions.embedded(), seed=1)


VERDICTS = {
    "": {"01-read-patient": ("pass", "")},
    "-history": {"01-history-patient": ("pass", "")},
    "-multisystem": {
        "01-read-patient-destination1": ("pass", ""),
        "02-read-patient-destination2": ("pass", ""),
    },
    # R004 wants 400 of an id with capitals; R4 allows them (datatypes.html#id), so a server says that it is not there
    "-readtest": {"r001": ("pass", ""), "r002": ("pass", ""), "r003": ("pass", ""), "r004": ("fail", "404")},
    # navigationLinks wants first, last and next; a search that finds nothing has no next page (http.html#paging)
    "-search": dict.fromkeys(("01-patient-create-search", "02-patient-search-dynamic"), ("error", "Bundle.link")),
    "-update": {"01-update-patient": ("pass", "")},
}
"""Script to test to verdict, with what the reason of one that does not pass says; the same for both servers."""


@pytest.mark.parametrize("name", SCRIPTS)
def test_each_verdict_is_explained(spec: Path, server: str, tmp_path: Path, name: str) -> None:
    result = _run(_imported(spec, "json", name), tmp_path, server)
    found = {test.started.test: (test.verdict.value, test.reason) for test in result.tests}
    assert {test: verdict for test, (verdict, _) in found.items()} == {
        test: verdict for test, (verdict, _) in VERDICTS[name].items()
    }, found
    assert [test for test, (_, said) in VERDICTS[name].items() if said not in found[test][1]] == []


def test_a_search_is_whole_but_for_links_that_one_page_has_not(spec: Path, server: str, tmp_path: Path) -> None:
    def soften(text: str) -> str:
        loud = '"navigationLinks": true, "warningOnly": false'
        assert loud in text
        return text.replace(loud, '"navigationLinks": true, "warningOnly": true')

    result = _run(_imported(spec, "json", "-search", soften), tmp_path, server)
    assert {test.verdict.value for test in result.tests} == {"pass"}, [test.reason for test in result.tests]


def test_what_is_asserted_can_fail(spec: Path, server: str, tmp_path: Path) -> None:
    """The Patient has the names Chalmers and, before marriage, Windsor: the first is what a path means."""
    wanted = '"sourceId": "fixture-patient-read", "value": "Chalmers"'
    result = _run(
        _imported(spec, "json", "", lambda text: text.replace(wanted, wanted.replace("Chalmers", "Windsor"))),
        tmp_path,
        server,
    )
    assert [(test.verdict.value, test.reason) for test in result.tests] == [
        ("fail", "the condition (Patient.name.family.first()).select(toString()) = 'Windsor' does not hold")
    ]
