"""Addresses that change: every spelling of them, bases within bases, and what only looks like one."""

import json
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.sandbox.addresses import Moved, is_text

HERE, THERE = "http://127.0.0.1:8080", "https://real.example/r4"
BASES = {THERE: f"{HERE}/fhir", f"{THERE}/mes": f"{HERE}/mes", "https://real.example": f"{HERE}/rest"}
moved = Moved(BASES)
segments = st.text(st.characters(categories=("L", "N")), max_size=8).map(lambda text: f"/{text}")


@pytest.mark.parametrize(
    ("text", "changed"),
    [
        (f"{THERE}/Patient/1", f"{HERE}/fhir/Patient/1"),
        (THERE, f"{HERE}/fhir"),
        (f"See {THERE}.", f"See {HERE}/fhir."),
        (f"{THERE}/mes/Observation", f"{HERE}/mes/Observation"),
        (f"{THERE}/mesures", f"{HERE}/fhir/mesures"),
        ("https://real.example/other", f"{HERE}/rest/other"),
        (r"https:\/\/real.example\/r4\/Patient", r"http:\/\/127.0.0.1:8080\/fhir\/Patient"),
        ("https%3A%2F%2Freal.example%2Fr4%2Fmes%7C1", "http%3A%2F%2F127.0.0.1%3A8080%2Fmes%7C1"),
        ("https%3a%2f%2freal.example%2fr4", "http%3a%2f%2f127.0.0.1%3a8080%2ffhir"),
        ("https:%2F%2Freal.example%2Fr4", "http:%2F%2F127.0.0.1:8080%2Ffhir"),
    ],
)
def test_an_address_keeps_its_spelling(text: str, changed: str) -> None:
    assert moved(text.encode()).decode() == changed


@pytest.mark.parametrize(
    "text",
    [
        "https://real.example.org/r4",
        "https://real.example:8443/r4",
        "https%3A%2F%2Freal.example%3A8443",
        "https://real.example@evil.example/",
        "https://realXexample/r4",
        "http://real.example/r4",
    ],
)
def test_another_address_stays(text: str) -> None:
    assert moved(text.encode()).decode() == text


def test_what_goes_on_in_its_path_is_another_base() -> None:
    assert Moved({THERE: HERE})(f"{THERE}b {THERE}-1 {THERE}.2".encode()).decode() == f"{THERE}b {THERE}-1 {THERE}.2"


@given(segments, st.sampled_from(sorted(BASES)), st.sampled_from(["plain", "json", "query"]))
def test_what_is_changed_there_and_back_is_as_before(rest: str, base: str, spelling: str) -> None:
    back = Moved({here: there for there, here in BASES.items()})
    text = f"{BASES[base]}{rest}"
    said = {"plain": text, "json": json.dumps(text).replace("/", r"\/"), "query": quote(text, safe="")}[spelling]
    out = back(said.encode())
    assert moved(out).decode() == said
    assert BASES[base].encode() not in out


@pytest.mark.parametrize(
    ("media_type", "text"),
    [
        (b"application/fhir+json; charset=utf-8", True),
        (b"application/fhir+xml", True),
        (b"Text/HTML", True),
        (b"application/x-www-form-urlencoded", True),
        (b"", True),
        (b"application/pdf", False),
        (b"application/octet-stream", False),
    ],
)
def test_only_text_is_changed(media_type: bytes, text: bool) -> None:
    assert is_text(media_type) is text
