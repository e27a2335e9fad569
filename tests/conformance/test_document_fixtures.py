"""People, calendars, documents: good fixtures are good for two judges, each bad one breaks what its name says."""

from pathlib import Path
from typing import Any, NamedTuple

import orjson
import pytest
import yaml
from fhir.resources.R4B import get_fhir_model_class

from harness.data import folder
from harness.fhir.definitions import Definitions
from harness.validation.outcome import Issue
from harness.validation.validator import Validator
from tests.conformance.test_measure_fixtures import BAD as MEASURES_BAD
from tests.conformance.test_measure_fixtures import GOOD as MEASURES_GOOD

ROOT = folder("fixtures")
GOOD = sorted({*ROOT.glob("*/*.json")} - {*MEASURES_GOOD})
BAD = sorted({*ROOT.glob("*/bad/*.json")} - {*MEASURES_BAD})
LISTS = sorted({path.with_name("expectations.yaml") for path in BAD})

# Warnings that a good instance may get: advice that is no requirement, and identifier types that the profiles demand
# although the extensible value sets at the same place do not list them.
ADVICE = {"dom-6"}
NOT_LISTED = ("#INS-NIR-TEST", "#INS-NIR-DEMO", "#IDNPS", "#RPPS", "#IDNST", "#FINEG", "#PI")


class Expectation(NamedTuple):
    """The one error that a bad fixture must give."""

    rule: str
    path: str
    constraint: str | None


def name(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def load(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads(path.read_bytes())
    return content


def expectations(folder_of_type: Path) -> dict[str, dict[str, Any]]:
    listed: dict[str, dict[str, Any]] = yaml.safe_load((folder_of_type / "bad" / "expectations.yaml").read_text())
    return listed


@pytest.fixture(scope="module")
def validator() -> Validator:
    return Validator(Definitions.embedded())


def is_tolerated(issue: Issue) -> bool:
    if issue.severity == "information":
        return not issue.undecided
    return issue.severity == "warning" and (
        issue.constraint in ADVICE
        or (
            issue.rule == "binding-extensible" and str(issue.found).endswith(NOT_LISTED) and ".type" in issue.expression
        )
    )


@pytest.mark.parametrize("path", GOOD, ids=name)
def test_good_one_is_clean(validator: Validator, path: Path) -> None:
    outcome = validator.validate(load(path))
    assert [(i.rule, i.expression, i.message) for i in outcome.issues if not is_tolerated(i)] == []


@pytest.mark.parametrize("path", GOOD, ids=name)
def test_good_one_is_good_for_a_second_judge(path: Path) -> None:
    resource = load(path)
    assert get_fhir_model_class(resource["resourceType"]).model_validate(resource).get_resource_type()


@pytest.mark.parametrize("path", BAD, ids=name)
def test_bad_one_breaks_what_its_name_says(validator: Validator, path: Path) -> None:
    listed = expectations(path.parents[1])[path.name]
    wanted = Expectation(listed["rule"], listed["path"], listed.get("constraint"))
    errors = validator.validate(load(path), profiles=[listed["profile"]]).errors
    also = [issue.rule for issue in errors if issue.rule == listed.get("also")]
    assert also == ([listed["also"]] if "also" in listed else [])
    assert [Expectation(i.rule, i.expression, i.constraint) for i in errors if i.rule not in also] == [wanted]


def test_every_bad_one_has_its_expectation() -> None:
    lists = ROOT.glob("*/bad/expectations.yaml")
    assert {file.parent / bad for file in lists for bad in expectations(file.parents[1])} == {*BAD, *MEASURES_BAD}


def test_the_control_of_a_bad_one_is_a_good_one() -> None:
    controls = {ROOT / f.parents[1].name / row["from"] for f in LISTS for row in expectations(f.parents[1]).values()}
    assert len(controls) > 10
    assert controls <= set(GOOD)


def test_no_real_national_identity_number_is_in_a_fixture() -> None:
    real = ("urn:oid:1.2.250.1.213.1.4.8", "urn:oid:1.2.250.1.213.1.4.9")
    assert [name(path) for path in GOOD + BAD if any(f'"{oid}"' in path.read_text() for oid in real)] == []
