"""``vread``: one version of a resource (http.html#vread)."""

from harness.engine.steps.call import Call, Conversation, StepFault, conditions, request


def vread(call: Call) -> Conversation:
    """GET [base]/[type]/[id]/_history/[vid]."""
    if "/_history/" not in call.path:
        raise StepFault(
            "step.target",
            f"vread needs Type/id/_history/version, found {call.path}",
            f"vread demande Type/id/_history/version, trouvé : {call.path}",
        )
    yield request(call, "GET", call.path, extra=conditions(call))
