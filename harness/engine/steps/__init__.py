"""One file an interaction: how it becomes requests. See :mod:`harness.engine.steps.call`."""

from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import urljoin

from harness.engine.exchange import Exchange, Request
from harness.engine.steps.call import Call, Conversation, Converse, StepFault, same_origin
from harness.engine.steps.capabilities import capabilities
from harness.engine.steps.create import create
from harness.engine.steps.delete import delete
from harness.engine.steps.history import history
from harness.engine.steps.operation import operation
from harness.engine.steps.patch import patch
from harness.engine.steps.read import read
from harness.engine.steps.request import any_request
from harness.engine.steps.search import search
from harness.engine.steps.tls import tls
from harness.engine.steps.transaction import transaction
from harness.engine.steps.update import update
from harness.engine.steps.vread import vread
from harness.suite.model import Interaction

INTERACTIONS: Mapping[Interaction, Converse] = MappingProxyType(
    {
        Interaction.CAPABILITIES: capabilities,
        Interaction.READ: read,
        Interaction.VREAD: vread,
        Interaction.CREATE: create,
        Interaction.UPDATE: update,
        Interaction.PATCH: patch,
        Interaction.DELETE: delete,
        Interaction.SEARCH: search,
        Interaction.HISTORY: history,
        Interaction.TRANSACTION: transaction,
        Interaction.BATCH: transaction,
        Interaction.OPERATION: operation,
        Interaction.REQUEST: any_request,
        Interaction.TLS: tls,
    }
)

_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def converse(call: Call, redirects: int = 0) -> Conversation:
    """Carry out ``call``: yield its requests, and be sent their exchanges.

    At most ``redirects`` redirects of GET and HEAD are followed, never away from the candidate; each is an exchange of
    its own. Raises StepFault when the step cannot be carried out as it is written.
    """
    conversation = INTERACTIONS[call.interaction](call)
    request = next(conversation, None)
    while request is not None:
        exchange = yield request
        for _ in range(redirects):
            onward = _redirected(exchange, request, call.base)
            if onward is None:
                break
            exchange = yield onward
        try:
            request = conversation.send(exchange)
        except StopIteration:
            return


def is_redirect(exchange: Exchange) -> bool:
    """Tell whether the answer sends the client elsewhere."""
    return exchange.response is not None and exchange.response.status in _REDIRECTS


def _redirected(exchange: Exchange, request: Request, base: str) -> Request | None:
    response = exchange.response
    if response is None or not is_redirect(exchange) or request.method not in ("GET", "HEAD"):
        return None
    try:
        url = urljoin(exchange.request.url, response.header("location") or "")
    except ValueError:
        return None
    return Request(request.method, url, request.headers) if same_origin(base, url) else None


__all__ = ["INTERACTIONS", "Call", "Conversation", "Converse", "StepFault", "converse", "is_redirect"]
