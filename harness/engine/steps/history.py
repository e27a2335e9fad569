"""``history``: the versions of a resource, a type or the whole (http.html#history)."""

from harness.engine.steps.call import Call, Conversation, request


def history(call: Call) -> Conversation:
    """GET [base]/[type]/[id]/_history, [base]/[type]/_history or [base]/_history."""
    yield request(call, "GET", f"{call.path}/_history" if call.target else "_history")
