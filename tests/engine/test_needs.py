"""What a CapabilityStatement declares."""

import pytest

from harness.engine import Candidate
from harness.engine.needs import is_of_candidate, lacking, undeclared

STATEMENT = {
    "rest": [
        {"mode": "client", "interaction": [{"code": "batch"}]},
        {
            "mode": "server",
            "interaction": [{"code": "transaction"}],
            "operation": [{"name": "everything"}],
            "searchParam": [{"name": "_id"}],
            "resource": [
                {
                    "type": "Slot",
                    "interaction": [{"code": "search-type"}, {"code": "history-type"}],
                    "searchParam": [{"name": "start"}, {"name": "schedule"}],
                    "searchInclude": ["Slot:schedule"],
                    "conditionalCreate": True,
                    "conditionalDelete": "not-supported",
                    "operation": [{"name": "$lastn"}],
                },
                "not an object",
            ],
        },
    ]
}


@pytest.mark.parametrize(
    ("need", "declared"),
    [
        ("Slot", True),
        ("Patient", False),
        ("Slot.search-type", True),
        ("Slot.search", True),
        ("Slot.history", True),
        ("Slot.create", False),
        ("Slot.conditional-create", True),
        ("Slot.conditional-delete", False),
        ("Slot.conditional-update", False),
        ("Slot?start", True),
        ("Slot?schedule:identifier", True),
        ("Slot?schedule.actor", True),
        ("Slot?status", False),
        ("Slot?_id", True),
        ("Slot?_count", True),
        ("Slot?_include", True),
        ("Slot?_revinclude", False),
        ("Slot/$lastn", True),
        ("Slot/$everything", True),
        ("Slot/$other", False),
        ("transaction", True),
        ("batch", False),
        ("$everything", True),
        ("$other", False),
        ("what is this", False),
    ],
)
def test_needs(need, declared):
    assert undeclared(STATEMENT, [need]) == ([] if declared else [need])


@pytest.mark.parametrize("statement", [{}, {"rest": None}, {"rest": [1]}, {"rest": [{"resource": "x"}]}])
def test_a_statement_that_says_nothing(statement):
    assert undeclared(statement, ["Slot.create", "Slot"]) == ["Slot.create", "Slot"]


def test_parameters_as_the_statement_of_document_managers_spells_them():
    names = ("PDSm_isArchived", "PDSm_DocumentReference_period-start", "SourceId", "DocumentReference Patient")
    resource = {"type": "DocumentReference", "searchParam": [{"name": name} for name in names]}
    statement = {"rest": [{"mode": "server", "resource": [resource]}]}
    needs = [f"DocumentReference?{code}" for code in ("isArchived", "period-start", "sourceId", "patient", "period")]
    assert undeclared(statement, needs) == ["DocumentReference?period"]


CANDIDATE = Candidate.of(
    {
        "base-url": "https://fhir.example",
        "identities": {"expired-token": {"bearer": "x"}},
        "policy": {"forbidden-patch": 405, "x-own": True},
    }
)


@pytest.mark.parametrize(
    ("needs", "code", "message"),
    [
        (["identity(expired-token)", "identity(none)", "Slot.create"], "", ""),
        (["identity(expired)"], "needs.identity", "the candidate file has no identity expired"),
        (["policy(forbidden-patch=405)", "policy(forbidden-patch=any|405)", "policy(x-own=true)"], "", ""),
        (
            ["policy(forbidden-patch=any|422)"],
            "needs.policy",
            "the candidate file chooses forbidden-patch: 405, this test is about forbidden-patch: any or 422",
        ),
        (["policy(offset-unit=row)"], "needs.policy", "chooses offset-unit: page, this test is about offset-unit: row"),
    ],
)
def test_needs_of_the_candidate_file(needs, code, message):
    found = lacking(CANDIDATE, needs)
    assert (found.code if found else "") == code
    assert message in (found.message if found else "")


def test_what_is_of_the_candidate_file_is_not_looked_for_in_the_statement():
    assert [is_of_candidate(need) for need in ("identity(a)", "policy(a=b)", "Slot", "transaction")] == [
        True,
        True,
        False,
        False,
    ]
