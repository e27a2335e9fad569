"""``transaction`` and ``batch``: several interactions in one Bundle (http.html#transaction)."""

from harness.engine.steps.call import Call, Conversation, encode, request


def transaction(call: Call) -> Conversation:
    """POST [base] with the Bundle."""
    yield request(call, "POST", "", body=encode(call.body))
