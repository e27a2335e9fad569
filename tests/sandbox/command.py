"""The sandbox as people start it: the command, in a process of its own."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def serving(url: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """The command, serving what is in the database at ``url``; gives its process and its FHIR base."""
    command = [sys.executable, "-c", "from harness.cli import main; main()", "sandbox", "--port", "0", "--store", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            found = (re.search(r"http://\S+/fhir\b", line) for line in process.stdout)
            yield process, next(match[0] for match in found if match)
        finally:
            process.kill()
            process.wait()
