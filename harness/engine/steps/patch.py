"""``patch``: a change of a resource, as JSON Patch (RFC 6902) or FHIRPath Patch (http.html#patch)."""

from collections.abc import Mapping

from harness.engine.steps.call import Call, Conversation, StepFault, conditions, encode, request
from harness.engine.steps.create import REPRESENTATION

_JSON_PATCH = (("Content-Type", "application/json-patch+json"),)


def patch(call: Call) -> Conversation:
    """PATCH [base]/[type]/[id] with the operations, or with the Parameters of a FHIRPath Patch."""
    target = call.target
    if not isinstance(target, Mapping) or not isinstance(target.get("target"), str):
        raise StepFault(
            "step.target",
            "patch needs a target such as Patient/1, and operations or parameters",
            "patch demande une cible (target) comme Patient/1, et operations ou parameters",
        )
    path, extra = target["target"], (*REPRESENTATION, *conditions(call))
    if "operations" in target:
        yield request(call, "PATCH", path, content=encode(target["operations"]), extra=(*_JSON_PATCH, *extra))
    else:
        yield request(call, "PATCH", path, body=encode(target.get("parameters")), extra=extra)
