"""Paths and parameters of requests, wherever they stand."""

from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.engine.exchange import Request
from harness.engine.form import parameters_of, path_of

BASE = "http://127.0.0.1:1/fhir"
PAIRS = st.lists(st.tuples(st.text(min_size=1), st.text()))
WORDS = st.text(st.characters(exclude_characters="/\\", exclude_categories=("Cs",)), min_size=1)


@pytest.mark.parametrize(
    ("url", "path"),
    [
        (BASE, ""),
        (f"{BASE}/", ""),
        (f"{BASE}?_format=json", ""),
        (f"{BASE}/Patient/1/", "Patient/1"),
        ("http://localhost:1/fhir/Patient", "Patient"),
        ("http://127.0.0.1:1/fhirs/Patient", "/fhirs/Patient"),
        ("http://127.0.0.1:1/oauth/token/", "/oauth/token"),
        ("http://127.0.0.1:1", "/"),
    ],
)
def test_a_path_is_below_the_base_or_has_its_slash(url, path):
    assert path_of(url, BASE) == path


@given(st.lists(WORDS, min_size=1))
def test_a_path_is_what_was_meant_before_it_was_encoded(words):
    path = "/".join(words)
    assert path_of(f"{BASE}/{quote(path)}", BASE) == path


@given(PAIRS, PAIRS)
def test_parameters_of_the_url_come_before_those_of_the_form(url, form):
    headers = (("content-type", "application/x-www-form-urlencoded; charset=utf-8"),)
    request = Request("POST", f"{BASE}?{urlencode(url)}", headers, urlencode(form).encode())
    assert parameters_of(request) == url + form
    assert parameters_of(Request("POST", request.url, (), request.body)) == url


@pytest.mark.parametrize("url", ["http://[::1/fhir/Patient?a=b", "//[x]:y/fhir/Patient?a=b"])
def test_an_address_without_a_host_that_can_be_has_its_path_and_parameters(url):
    assert path_of(url, BASE) == "Patient"
    assert parameters_of(Request("GET", url)) == [("a", "b")]
