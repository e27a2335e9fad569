"""FHIR servers that others wrote, started for a test on a free loopback port."""

import contextlib
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

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
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        assert server.stdout is not None
        lines = iter(server.stdout.readline, "")
        said = []
        for line in lines:
            said.append(line)
            if _READY in line:
                break
        else:
            raise RuntimeError("sekmet-fhir did not start:\n" + "".join(said))
        drain = threading.Thread(target=lambda: [None for _ in lines], daemon=True)
        drain.start()
        try:
            yield f"http://127.0.0.1:{port}/fhir"
        finally:
            server.terminate()
            server.wait(30)
            drain.join(5)
