"""Strings that a candidate chose, made harmless for whoever looks at them."""

import codecs
import json
import re
import unicodedata

import orjson

from harness.engine.exchange import Exchange
from harness.reason import Reason, french
from harness.report.xml_layout import is_xml, laid_out

LAID_OUT = 512 * 1024
"""Bytes of a body that is laid out for reading; what a hostile candidate sends would become many times as long."""
_BEGINNING = 32 * 1024
"""Bytes that are shown of a longer one."""
_UTF_8 = codecs.getincrementaldecoder("utf-8")

# C0 and C1 controls, line and paragraph separators, bidirectional overrides and isolates, surrogates, non-characters.
_UNSAFE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")


def printable(text: str) -> str:
    """Return ``text`` with every control character spelled out (``\\x1b``), so that no terminal or XML parser obeys it.

    Tab and line feed stay.
    """
    if text.replace("\n", "").replace("\t", "").isprintable():  # as nearly all are; said in a tenth of the time
        return text
    return _UNSAFE.sub(lambda match: f"\\x{ord(match[0]):02x}", text)


def one_line(text: str, width: int) -> str:
    """Return ``text`` printable, on one line, cut to ``width`` terminal columns."""
    flat = " ".join(printable(text).split())
    columns = 0
    for index, character in enumerate(flat):
        columns += 2 if unicodedata.east_asian_width(character) in "WF" else 1
        if columns > width:
            return flat[: max(index - 1, 0)].rstrip() + "…"
    return flat


def pretty_body(body: bytes, limit: int | None = None) -> str:
    """Return a body for reading, printable: a resource indented (decimals as sent), text as it is, of bytes the number.

    A body of more than :data:`LAID_OUT` bytes is not laid out: its beginning is shown as it came.
    """
    if not body:
        return ""
    if len(body) > LAID_OUT:
        return _beginning(body, min(limit or _BEGINNING, _BEGINNING))
    try:
        value = json.loads(body, parse_float=orjson.Fragment)
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode("utf-8")
    except (ValueError, RecursionError, orjson.JSONEncodeError):
        try:
            text = body.decode("utf-8")
        except UnicodeDecodeError:
            return _no_text(body)
        if is_xml(text):
            text = laid_out(text)
    text = printable(text)
    if limit is not None and len(text) > limit:
        return f"{text[:limit]}\n… ({len(text) - limit} more characters)"
    return text


def _beginning(body: bytes, length: int) -> str:
    try:
        text = _UTF_8().decode(body[:length])  # a character that the cut goes through is left out
    except UnicodeDecodeError:
        return _no_text(body)
    return f"{printable(text)}\n… ({len(body) - length} more bytes)"


def _no_text(body: bytes) -> str:
    return f"({len(body)} bytes that are not text)"


def status_line(exchange: Exchange, language: str = "en") -> str:
    """Return what came back in a few words: ``HTTP 201``, or why nothing did."""
    if exchange.response is None:
        fault = exchange.fault or Reason("no answer", "pas de réponse")
        return printable(french(fault) if language == "fr" else fault)
    return f"HTTP {exchange.response.status}"
