"""FHIR servers that others wrote, started for a test on a free loopback port."""

import contextlib
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.programs import running

_SETTINGS = """
base_url: http://127.0.0.1:{port}/fhir
host: 127.0.0.1
port: {port}
data_dir: {data}
validation: {{inbound: strict}}
simulator: {{enabled: false}}
"""
_READY = "Uvicorn running on"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as bound:
        port: int = bound.getsockname()[1]
        return port


@contextlib.contextmanager
def sekmet(folder: Path) -> Iterator[str]:
    """Serve sekmet-fhir (PyPI) with an empty store in ``folder``; gives its FHIR base."""
    port = _free_port()
    settings = folder / "settings.yaml"
    settings.write_text(_SETTINGS.format(port=port, data=folder / "data"), encoding="utf-8")
    command = [sys.executable, "-c", "from sekmet.cli import app; app()", "serve", "--config", str(settings)]
    with running("sekmet-fhir", command, _READY, cwd=folder):
        yield f"http://127.0.0.1:{port}/fhir"
