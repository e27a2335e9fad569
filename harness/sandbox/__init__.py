"""The simulated Mon espace santé: a FHIR R4 server to run test sets against, and for clients to connect to.

from harness.sandbox import SandboxServer
with SandboxServer() as server:
    …  # server.base_url
"""

from harness.sandbox.app import create_app
from harness.sandbox.assembly import make_service
from harness.sandbox.policy import Policy
from harness.sandbox.server import SandboxServer, serve
from harness.sandbox.store import Store

__all__ = ["Policy", "SandboxServer", "Store", "create_app", "make_service", "serve"]
