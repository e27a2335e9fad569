"""The simulated Mon espace santé: a FHIR R4 server to run test sets against, and for clients to connect to.

from harness.sandbox.server import SandboxServer
with SandboxServer() as server:
    …  # server.base_url, server.measures_url
"""
