"""``capabilities``: what the candidate says that it does (http.html#capabilities)."""

from dataclasses import replace

from harness.engine.steps.call import Call, Conversation, request


def capabilities(call: Call) -> Conversation:
    """GET [base]/metadata, with ``mode`` where the step names one."""
    mode = {"mode": call.target} if isinstance(call.target, str) else {}
    yield request(replace(call, params={**mode, **call.params}), "GET", "metadata")
