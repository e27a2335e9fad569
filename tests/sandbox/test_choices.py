"""The choices of a candidate file become those of the sandbox, or are refused."""

import pytest

from harness.errors import UsageError
from harness.sandbox.choices import policy_of
from harness.sandbox.policy import Policy
from harness.suite.policies import policies


def test_no_choice_is_the_healthy_sandbox() -> None:
    assert policy_of({}) == Policy()


def test_choices_are_kept() -> None:
    chosen = {
        "id-token-header": "X-Id",
        "effective-period": True,
        "dotted-include": "refused",
        "patient-parameter": "subject:identifier",
        "offset-unit": "row",
        "forbidden-patch": 422,
        "appointment-deletion": "refused",
        "double-booking": "accepted",
    }
    told = policy_of(chosen).told()
    assert {name: told[name] for name in chosen} == chosen


@pytest.mark.parametrize("name", sorted(policies().by_name))
def test_every_default_of_a_candidate_file_can_be_asked_for(name: str) -> None:
    assert policy_of({name: policies().by_name[name].default}) == Policy()


@pytest.mark.parametrize(
    "chosen", [{"error-codes": "guide"}, {"absent-value": "accepted"}, {"pdsm-build": "2026-03-31"}]
)
def test_what_the_sandbox_does_not_do_is_refused(chosen: dict[str, str]) -> None:
    (name,) = chosen
    with pytest.raises(UsageError, match=f"policy: {name}: the sandbox does .* only"):
        policy_of(chosen)
