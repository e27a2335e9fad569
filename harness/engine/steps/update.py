"""``update``: a new version of a resource, by id or by a search (http.html#update, #cond-update)."""

from harness.engine.steps.call import Call, Conversation, StepFault, conditions, encode, request
from harness.engine.steps.create import REPRESENTATION


def update(call: Call) -> Conversation:
    """PUT [base]/[type]/[id]; with ``params``, PUT [base]/[type]?[params]."""
    path = call.resource_type
    if not call.params:
        identifier = call.body.get("id")
        if not isinstance(identifier, str) or not identifier:
            raise StepFault(
                "step.target",
                "update needs a resource with an id (set: {id: …}), or params for a conditional update",
                "update demande une ressource avec un id (set : {id: …}), ou params (mise à jour conditionnelle)",
            )
        path = f"{path}/{identifier}"
    yield request(call, "PUT", path, body=encode(call.body), extra=(*REPRESENTATION, *conditions(call)))
