"""A PostgreSQL server for tests: a private one in a temporary folder, reached over a socket in that folder."""

import contextlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.programs import running

_READY = "ready to accept connections"
_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=300")


def programs() -> Path | None:
    """The folder of ``initdb`` and ``postgres``: on the path, or where Debian puts them; None where there is none."""
    on_path = shutil.which("initdb")
    places = [Path(on_path).parent] if on_path else []
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda bin_: int(bin_.parent.name), reverse=True)
    return next((place for place in places if (place / "initdb").exists() and (place / "postgres").exists()), None)


def _other_user() -> dict[str, Any]:
    """Options of subprocess: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


@contextlib.contextmanager
def postgresql() -> Iterator[str]:
    """Serve an empty database that is gone at the end; gives its URL. There must be :func:`programs`."""
    place, who = programs(), _other_user()
    assert place is not None
    with tempfile.TemporaryDirectory(prefix="pg-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        if who:
            os.chown(folder, who["user"], who["group"])
        options: dict[str, Any] = {"cwd": folder, "env": {"LC_ALL": "C.UTF-8", "PATH": os.environ["PATH"]}, **who}
        made: list[Any] = [
            place / "initdb",
            "-D",
            folder / "data",
            "-A",
            "trust",
            "-U",
            "harness",
            "-E",
            "UTF8",
            "--no-sync",
        ]
        subprocess.run(made, check=True, capture_output=True, **options)
        command: list[Any] = [place / "postgres", "-D", folder / "data", "-k", folder, "-c", "listen_addresses="]
        for setting in _QUICK:
            command += ["-c", setting]
        # SIGINT is a fast shutdown: it does not wait for who is connected.
        with running("PostgreSQL", command, _READY, signal.SIGINT, **options):
            yield f"postgresql://harness@/postgres?host={folder}"
