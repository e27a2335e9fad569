"""What is spelled out, and what is left as it is: over every character that there is."""

import sys

import pytest

from harness.report.inert import printable

SPELLED = (
    *(*range(0x09), *range(0x0B, 0x20), *range(0x7F, 0xA0), 0x2028, 0x2029),
    *(*range(0x202A, 0x202F), *range(0x2066, 0x206A), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF),
)


def test_no_character_that_is_obeyed_stays() -> None:
    for code in SPELLED:
        assert printable(f"a{chr(code)}é") == f"a\\x{code:02x}é"


def test_every_other_character_stays() -> None:
    others = "".join(map(chr, sorted(set(range(sys.maxunicode + 1)) - set(SPELLED))))
    assert printable(others) == others


@pytest.mark.parametrize(
    "text", ["", "plain", "two\nlines\tand é", "\u202eabc", "\n\x1b[31m", "non-breaking\u00a0space"]
)
def test_short_texts_are_treated_as_long_ones(text: str) -> None:
    assert printable(text) == printable(text + "\x00")[: -len("\\x00")]
