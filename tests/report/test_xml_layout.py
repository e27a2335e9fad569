"""XML is laid out for reading, nothing of it is lost, and each line knows its element."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.report.inert import pretty_body
from harness.report.lines import located, place, positions
from harness.report.xml_layout import laid_out

HEAD = '<Patient xmlns="http://hl7.org/fhir">'
PATIENT = (
    f"<?xml version='1.0' encoding='UTF-8'?>\n{HEAD}<id value=\"1\"/><text><status value=\"generated\"/>"
    '<div xmlns="http://www.w3.org/1999/xhtml"><div>a <b>b</b>  c\n</div> x &gt; y<br/></div></text>'
    '<name><family value="A > B"/></name><name><family value="B"/><given value="C"/></name>'
    '<valueString value="x"/><contained><Practitioner><active value="true"/></Practitioner></contained></Patient>'
)


def test_an_element_stands_on_a_line_and_the_narrative_on_one() -> None:
    lines = pretty_body(PATIENT.encode()).split("\n")
    assert lines[1:3] == [HEAD, '  <id value="1"/>']
    assert lines[5].endswith("<div>a <b>b</b>  c </div> x &gt; y<br/></div>")
    assert lines[7:10] == ["  <name>", '    <family value="A > B"/>', "  </name>"]
    assert lines[-1] == "</Patient>"


@pytest.mark.parametrize(
    ("expression", "shown"),
    [
        ("Patient", HEAD),
        ("Patient.id", '<id value="1"/>'),
        ("Patient.name[0].family", '<family value="A > B"/>'),
        ("Patient.name.family", '<family value="A > B"/>'),
        ("Patient.name[1].given[0]", '<given value="C"/>'),
        ("Patient.name[1].period", "<name>"),
        ("Patient.value", '<valueString value="x"/>'),
        ("Patient.contained[0].active", '<active value="true"/>'),
    ],
)
def test_a_finding_finds_its_line(expression: str, shown: str) -> None:
    lines = located(pretty_body(PATIENT.encode()))
    at = place(positions(lines), expression)
    assert at is not None
    assert lines[at].text.strip() == shown
    assert expression != "Patient.name[1].period" or 'value="B"' in lines[at + 1].text


_trees = st.recursive(
    st.just(""), lambda inner: st.lists(st.tuples(st.sampled_from(["name", "given", "div"]), inner), max_size=3)
)


def _xml(tree: object) -> str:
    if not isinstance(tree, list):
        return ""
    return "".join(f'<{name} a="<>"' + (f">{_xml(inner)}</{name}>" if inner else "/>") for name, inner in tree)


@given(_trees, st.sampled_from(["", " ", "\n  "]))
def test_nothing_but_space_is_added_or_lost(tree: object, space: str) -> None:
    text = HEAD + _xml(tree).replace("><", f">{space}<") + "</Patient>"
    written = laid_out(text)
    assert re.sub(r"\s", "", written) == re.sub(r"\s", "", text)
    assert len(located(written)) == len(written.split("\n"))


@pytest.mark.parametrize(
    "text",
    [
        HEAD,
        HEAD * 5_000,
        HEAD + "</a>" * 9,
        f"{HEAD}<",
        f'{HEAD}<a b="',
        f"{HEAD}loose</Patient>",
        "<" * 9_000,
        HEAD + "<!--" * 100_000,
    ],
)
def test_what_is_not_well_formed_comes_as_it_is(text: str) -> None:
    assert pretty_body(text.encode()) == text
    assert len(located(text)) == 1
