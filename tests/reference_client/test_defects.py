"""The table of defects: each is tied to a rule for clients, and changes what is sent or what is done."""

import json
from collections import Counter

import pytest

from harness.data import folder
from harness.suite.requirements import requirements_for
from tests.reference_client import __main__ as command
from tests.reference_client.defects import DEFECTS, agenda, documents, feed, measures, patients
from tests.reference_client.defects.table import carried, drop, put, valued, without
from tests.reference_client.records import record, set_attachment

RULES = requirements_for(folder("testsets")).by_id


def test_each_name_is_given_once() -> None:
    tables = (feed.TABLE, measures.TABLE, agenda.TABLE, documents.TABLE, patients.TABLE)
    names = Counter(one.name for table in tables for one in table)
    assert [name for name, count in names.items() if count > 1] == []
    assert len(DEFECTS) == sum(names.values())


@pytest.mark.parametrize("name", sorted(DEFECTS))
def test_each_violates_a_rule_for_clients(name: str) -> None:
    assert RULES[DEFECTS[name].requirement].actor in ("client", "both")


def test_paths_of_changes() -> None:
    resource = {"a": [{"b": 1}], "c": [1]}
    put("a.0.b", 2)(resource)
    put("c.+", 3)(resource)
    put("d.e", 4)(resource)
    assert resource == {"a": [{"b": 2}], "c": [1, 3], "d": {"e": 4}}
    drop("a.0", "d.e", "d.none")(resource)
    assert resource == {"a": [], "c": [1, 3], "d": {}}


def test_changes_of_parameters() -> None:
    asked = [("code", "1"), ("date", "ge2025"), ("date", "le2026")]
    assert without("date")(asked) == [("code", "1")]
    assert valued("date", lambda bound: bound[2:])(asked)[1:] == [("date", "2025"), ("date", "2026")]
    assert asked[1] == ("date", "ge2025")


def test_what_a_body_carries() -> None:
    assert [one["resourceType"] for one in carried(record("bundle/mes-measure-feed"))] == ["Observation", "Device"]
    assert carried(None) == carried([{"op": "add"}]) == []


def test_an_attachment_is_described_by_its_octets() -> None:
    attachment: dict[str, object] = {}
    set_attachment(attachment, b"abc")
    assert attachment == {"size": 3, "hash": "qZk+NkcGgWq6PiVxeFDCbJzQ2J0="}


def test_the_list_of_defects(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["--list-defects"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(DEFECTS)


def test_an_action_that_is_not_known(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("FHIR_HARNESS_STEP", json.dumps({"action": "dance"}))
    with pytest.raises(SystemExit) as left:
        command.main([])
    assert left.value.code == 2
    assert "no action 'dance'" in capsys.readouterr().err
