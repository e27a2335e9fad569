"""Narratives: white space that is content, prefixes, and what XML lets stand between elements (FHIR R4 narrative)."""

import pytest

from harness.validation.assertions.xhtml import read

SPACE = "http://www.w3.org/1999/xhtml"


def div(inner: str) -> str:
    """A narrative that holds ``inner``."""
    return f'<div xmlns="{SPACE}">{inner}</div>'


@pytest.mark.parametrize("inner", ["&#160;", "\u2003", "<![CDATA[a]]>", "<?x y?>a", "<!-- c -->a"])
def test_what_has_content(inner: str) -> None:
    assert read(div(inner)).problems == ()


@pytest.mark.parametrize("inner", ["", " \n\t", "<p/>", "<!-- c -->"])
def test_what_has_none(inner: str) -> None:
    assert [constraint for constraint, _ in read(div(inner)).problems] == ["txt-2"]


@pytest.mark.parametrize(
    ("text", "constraints"),
    [
        (f'<h:div xmlns:h="{SPACE}"><h:p>a</h:p></h:div>', []),
        (f'<div xmlns="{SPACE}" xmlns:h="{SPACE}"><h:p>a</h:p></div>', []),
        (f'<h:div xmlns:h="{SPACE}"><h:script>a</h:script></h:div>', ["txt-1"]),
        ('<h:div xmlns:h="http://acme.com">a</h:div>', ["txt-1", "xhtml"]),
        (f'<div xmlns:h="{SPACE}">a</div>', ["xhtml"]),
    ],
)
def test_a_prefix_is_as_good_as_the_namespace_it_stands_for(text: str, constraints: list[str]) -> None:
    assert [constraint for constraint, _ in read(text).problems] == constraints
