"""Which requests a step means: :meth:`harness.engine.awaiting.Awaited.wants`."""

import pytest

from harness.engine.awaiting import Awaited
from harness.engine.exchange import Request

BASE = "http://127.0.0.1:1/fhir"


@pytest.mark.parametrize(
    ("method", "came", "wanted"),
    [
        ("GET", "GET", True),
        ("GET", "POST", False),
        ("/^(GET|POST)$/", "GET", True),
        ("/^(GET|POST)$/", "POST", True),
        ("/^(GET|POST)$/", "PUT", False),
    ],
)
def test_the_method_is_exact_or_a_regular_expression(method: str, came: str, wanted: bool) -> None:
    assert Awaited(BASE, method).wants(Request(came, f"{BASE}/List")) is wanted


def test_parameters_of_the_url_and_of_a_form_count() -> None:
    awaited = Awaited(BASE, "/^(GET|POST)$/", "/^List(/_search)?$/", {"status": "present", "code": "/submissionset$/"})
    form = (("content-type", "application/x-www-form-urlencoded"),)
    assert awaited.wants(Request("GET", f"{BASE}/List?status=current&code=a%7Csubmissionset"))
    assert awaited.wants(Request("POST", f"{BASE}/List/_search", form, b"status=current&code=a%7Csubmissionset"))
    assert not awaited.wants(Request("POST", f"{BASE}/List/_search", form, b"code=submissionset"))
    assert not awaited.wants(Request("GET", f"{BASE}/DocumentReference?status=current&code=submissionset"))
