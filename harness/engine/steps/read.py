"""``read``: the present version of a resource (http.html#read)."""

from harness.engine.steps.call import Call, Conversation, conditions, request


def read(call: Call) -> Conversation:
    """GET [base]/[type]/[id], with If-None-Match where the step has one."""
    yield request(call, "GET", call.path, extra=conditions(call))
