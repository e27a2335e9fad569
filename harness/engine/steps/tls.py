"""``tls``: one connection pinned to a TLS version, with or without the harness's own certificate."""

from collections.abc import Mapping

from harness.engine.exchange import Request
from harness.engine.handshake import METHOD
from harness.engine.steps.call import Call, Conversation, StepFault


def tls(call: Call) -> Conversation:
    """Ask for the connection; what came of it stands in headers (:mod:`harness.engine.handshake`)."""
    target = call.target
    if not isinstance(target, Mapping) or "version" not in target:
        raise StepFault("step.target", "tls needs a version", "tls demande une version (version)")
    headers = [("TLS-Version", str(target["version"])), ("TLS-Certificate", str(target.get("certificate", "own")))]
    if "ciphers" in target:
        headers.append(("TLS-Ciphers", str(target["ciphers"])))
    if "port" in target:
        headers.append(("Port", str(target["port"])))
    yield Request(METHOD, f"{call.base}/metadata", tuple(headers))
