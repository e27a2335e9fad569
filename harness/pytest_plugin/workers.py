"""Workers of xdist and a candidate that is a client: it does one thing at a time, so that one worker runs its tests.

Loaded only where xdist deals out the tests of a client. Other items are dealt out one by one.
"""

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

from harness.pytest_plugin.work import SUFFIXES

_CLIENT = "fhir-client"


class ClientScheduling(LoadScopeScheduling):
    """Deals out all the tests of test sets to one worker."""

    def _split_scope(self, nodeid: str) -> str:
        """Return what belongs together: the tests of all test sets, and any other test with itself."""
        return _CLIENT if nodeid.partition("::")[0].endswith(SUFFIXES) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ClientScheduling:
    """Return what deals the tests out."""
    return ClientScheduling(config, log)
