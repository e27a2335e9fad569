"""``delete``: take a resource away, by id or by a search (http.html#delete, #3.1.0.7.1)."""

from harness.engine.steps.call import Call, Conversation, conditions, request


def delete(call: Call) -> Conversation:
    """DELETE [base]/[type]/[id]; with ``params``, DELETE [base]/[type]?[params]."""
    yield request(call, "DELETE", call.path, extra=conditions(call))
