"""Names that are known before a run."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.suite.names import Names, fhirpath_names, placeheld

NAMES = Names(
    fixtures={"weight": {"code": {"text": "x"}, "name": ["a"]}},
    variables={"patient": "${candidate.identities.default}", "count": 3},
    each=({"a": 1, "b": {"c": 1}}, {"b": {"c": 2}, "d": 1}),
    saved=frozenset({"id"}),
)


@pytest.mark.parametrize(
    "text",
    [
        "${candidate.identities.anything.at[3]}",
        "${fixtures.weight.code.text} ${fixtures.weight.name[0]}",
        "${patient.identifier.value} ${variables.patient.token}",
        "${id} ${saved.id.part}",
        "${b.c} ${each.b.c}",
        "${time.now-2h} ${random.uuid.other}",
        "$${nothing}",
    ],
)
def test_what_is_known_has_no_fault(text: str) -> None:
    assert NAMES.faults({"a": [text]}) == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("${a}", 'nothing is called "a" here'),
        ("${each.d}", 'not every row of each has "d"'),
        ("${b.x}", '"x" is not there'),
        ("${count.x}", '"x" is not there'),
        ("${fixtures.weight.name[1]}", "[1] is not there"),
        ("${fixtures.wight}", 'did you mean "weight"'),
        ("${weight}", "write fixtures.weight"),
        ("${saved.ID}", 'no step before this one saved "ID"'),
        ("${broken", "is not closed"),
    ],
)
def test_what_is_not_known_is_named(text: str, fault: str) -> None:
    (found,) = NAMES.faults(text)
    assert fault in found


def test_names_after_a_step_and_in_a_row() -> None:
    assert NAMES.with_saved("new").faults("${new} ${id}") == []
    assert len(NAMES.faults("${new}")) == 1
    assert NAMES.with_rows([{"z": 1}]).faults("${z}") == []


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("id = %id and %`other-one`.exists()", {"id", "other-one"}),
        ("unit = '%' and code = '%x'", set()),
        (r"a = 'it\'s %x' & %y", {"y"}),
        ("%resource.id = %context.id", {"resource", "context"}),
        ("a.memberOf(%`vs-name`)", {"vs-name"}),
    ],
)
def test_names_of_fhirpath(text: str, names: set[str]) -> None:
    assert fhirpath_names(text) == names


def test_unknown_names_of_fhirpath_are_named() -> None:
    assert NAMES.fhirpath_faults("%id = %patient and %resource.exists() and a.memberOf(%`vs-x`) and %b") == []
    assert NAMES.fhirpath_faults("%patiant") == ['%patiant: nothing is called "patiant" here; did you mean "patient"?']


@given(st.text(alphabet=st.sampled_from("${}%'`a. ")))
def test_any_text_can_be_looked_at(text: str) -> None:
    assert isinstance(NAMES.faults(text), list)
    assert isinstance(NAMES.fhirpath_faults(text), list)
    assert len(placeheld(placeheld(text))) == len(placeheld(text)) or "${" in placeheld(text)
