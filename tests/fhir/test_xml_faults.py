"""What XML parsers say, in French."""

from xml.parsers import expat

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from harness.fhir.xml_faults import EXPAT, LIBXML, expat_fault, libxml_fault

BROKEN = st.text(alphabet="<>/&;ab='\"!- \n?", max_size=20)


def libxml(text: str) -> str | None:
    try:
        etree.fromstring(text.encode(), etree.XMLParser(resolve_entities=False, load_dtd=False, no_network=True))
    except etree.XMLSyntaxError as error:
        return libxml_fault(error)
    return None


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<a>\n<b></a>", "</a> ne ferme pas <b>, ouvert à la ligne 2 (ligne 2, colonne 8)"),
        ("<a b=1/>", "la valeur d'un attribut doit être entre guillemets (ligne 1, colonne 6)"),
        ("<a/><b/>", "du contenu suit la fin du document (ligne 1, colonne 5)"),
        ("", "le document est vide, ou ne commence pas par un élément (ligne 1, colonne 1)"),
        ("<a>&x;</a>", "une entité n'est pas déclarée (ligne 1, colonne 7)"),
    ],
)
def test_libxml_is_told_in_french(text: str, said: str) -> None:
    assert libxml(text) == said


@given(BROKEN)
def test_whatever_is_broken_is_told_in_french_with_its_place(text: str) -> None:
    said = libxml(text)
    assert said is None or said.endswith(")")
    try:
        expat.ParserCreate().Parse(text, True)
    except expat.ExpatError as error:
        told = expat_fault(str(error))
        assert told.endswith(f"(ligne {error.lineno}, colonne {error.offset})")
        assert "line " not in told


def test_the_faults_are_those_of_the_parsers() -> None:
    numbers = {value for value in vars(etree.ErrorTypes).values() if isinstance(value, int)}
    assert set(LIBXML) <= numbers
    assert set(EXPAT) <= set(expat.errors.codes)
