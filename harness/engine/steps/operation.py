"""``operation``: an extended operation, by GET with parameters or by POST with a resource (operations.html)."""

from collections.abc import Mapping

from harness.engine.steps.call import Call, Conversation, encode, request


def operation(call: Call) -> Conversation:
    """GET [base]/…$name?[params], or POST [base]/…$name with the resource of ``parameters``."""
    target = call.target
    if isinstance(target, Mapping):
        name = str(target.get("name", ""))
        if target.get("parameters") is None:
            yield request(call, "POST", name)
        else:
            yield request(call, "POST", name, body=encode(target["parameters"]))
    else:
        yield request(call, "GET", call.path)
