"""What is spelled out, and what is left as it is: over every character that there is."""

import sys
import tracemalloc

import pytest

from harness.report.inert import LAID_OUT, pretty_body, printable

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


@pytest.mark.parametrize(
    "body",
    [b"[" + b"1," * LAID_OUT + b"1]", b"\x1b" * 2 * LAID_OUT, "é".encode() * LAID_OUT, b'{"a":"' + b"\\\\" * LAID_OUT],
    ids=["values", "controls", "text", "backslashes"],
)
def test_only_the_beginning_of_a_long_body_is_shown(body: bytes) -> None:
    tracemalloc.start()
    try:
        shown = pretty_body(body)
        assert tracemalloc.get_traced_memory()[1] < 4_000_000
    finally:
        tracemalloc.stop()
    assert shown.startswith(printable(body[:100].decode()))
    assert shown.endswith(f"\n… ({len(body) - 32 * 1024} more bytes)")
    assert len(pretty_body(body, 600)) < 4 * 600 + 40


def test_a_long_body_that_is_no_text_is_told_by_its_length() -> None:
    assert pretty_body(b"\xff" * 2 * LAID_OUT) == f"({2 * LAID_OUT} bytes that are not text)"
