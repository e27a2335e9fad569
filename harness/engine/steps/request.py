"""``request``: any HTTP request to the candidate, also one that breaks FHIR's rules."""

from collections.abc import Mapping

from harness.engine.steps.call import FHIR_JSON, Call, Conversation, StepFault, conditions, encode, request


def any_request(call: Call) -> Conversation:
    """Send ``method`` on ``path`` with ``body``: a text goes as it is, anything else as JSON."""
    target = call.target
    if not isinstance(target, Mapping) or not isinstance(target.get("method"), str):
        raise StepFault(
            "step.target",
            "request needs a method and a path",
            "request demande une méthode (method) et un chemin (path)",
        )
    content: bytes | None = None
    extra = conditions(call)
    if "body" in target:
        body = call.resource if call.resource is not None else target["body"]
        content = body.encode("utf-8", "surrogatepass") if isinstance(body, str) else encode(body)
        extra = (("Content-Type", str(target.get("content-type", f"{FHIR_JSON}; charset=utf-8"))), *extra)
    yield request(call, target["method"], str(target.get("path", "")), content=content, extra=extra)
