"""``create``: a new resource, also on the condition that there is none like it (http.html#create, #ccreate)."""

from harness.engine.steps.call import Call, Conversation, conditions, encode, request

REPRESENTATION = (("Prefer", "return=representation"),)
"""The answer's body is asked for, so that it can be judged (http.html#ops); a candidate may leave it out."""


def create(call: Call) -> Conversation:
    """POST [base]/[type]."""
    body = encode(call.body)
    yield request(call, "POST", call.resource_type, body=body, extra=(*REPRESENTATION, *conditions(call)))
