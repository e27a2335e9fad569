"""Whatever is sent to the measures API, it answers with a refusal and never fails itself; its waivable rules exist."""

import copy
import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.sandbox.assembly import make_service
from harness.sandbox.measures.feed_rules import RULES
from harness.sandbox.policy import Policy
from harness.sandbox.server import SandboxServer

JUNK = st.sampled_from(
    [None, True, 0, -1.5, "", "x", "é\u0000", [], {}, [[]], [None], [{}], {"a": 1}, "Device/1", "2026"]
)


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [at] if at else []
    if isinstance(value, dict):
        return found + [place for key, child in value.items() for place in places(child, (*at, key))]
    if isinstance(value, list):
        return found + [place for index, child in enumerate(value) for place in places(child, (*at, index))]
    return found


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_feed_makes_it_fail(api, data):
    made = api.bundle() if data.draw(st.booleans()) else api.single("mes-glucose")
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.sampled_from(places(made)))
        owner = made
        for key in place[:-1]:
            owner = owner[key]
        if data.draw(st.booleans()):
            owner[place[-1]] = copy.deepcopy(data.draw(JUNK))
        else:
            del owner[place[-1]]
        if not places(made):
            break
    answer = api.post(made)
    assert answer.status_code in {200, 400, 403, 422}, (json.dumps(made), answer.text)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    pairs=st.lists(
        st.tuples(
            st.sampled_from(["code", "subject.identifier", "date", "_sort", "_count", "_offset", "_include", "x"]),
            st.sampled_from(
                ["29463-7", "s|v", "|", "ge2020", "le9999-12-31", "gt0000", "-date", "1", "-1", "", "é", "9" * 9]
            ),
        ),
        max_size=6,
    )
)
def test_no_search_makes_it_fail(api, pairs):
    answer = api.get([("code", "29463-7"), ("subject.identifier", api.token("default")), *pairs])
    assert answer.status_code in {200, 400}, answer.text


def waivable() -> set[str]:
    """Every name that the measures API asks ``Policy.applies`` about."""
    folder = Path(__file__).parents[3] / "harness" / "sandbox" / "measures"
    text = "\n".join(path.read_text("utf-8") for path in folder.glob("*.py"))
    named = {name for name in re.findall(r'applies\(f?"([\w{}-]+)"\)', text) if "{" not in name}
    several = {f"glycaemia-{name}-{rule}" for name in ("moment", "numberOfDays") for rule in ("mandatory", "forbidden")}
    return named | several | {"consent-read", "consent-write"} | {rule.name for rule in RULES}


def test_a_server_without_any_rule_still_answers(api):
    assert len(waivable()) > 30
    service = make_service(policy=Policy(waived=frozenset(waivable())), validator=None)
    with SandboxServer(service) as server:
        lax = type(api)(server, api.client)
        other = lax.bundle(who="patient-b")
        assert lax.post(other, "default").status_code == 200
        assert lax.post(lax.bundle(), "bad-signature").status_code == 200
        assert lax.post(lax.bundle(), "wrong-oid").status_code == 200
        assert lax.get([("code", "29463-7"), ("subject.identifier", lax.token("default"))]).status_code == 200
        assert lax.post(lax.bundle(), "no-token").status_code == 401


@pytest.mark.parametrize("rule", [rule.name for rule in RULES])
def test_rule_names_are_unique(rule):
    assert [item.name for item in RULES].count(rule) == 1
