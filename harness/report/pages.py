"""The templates of our pages, compiled once and kept as Python keeps its modules: a page begins at once."""

import os
import sys
from contextlib import suppress
from importlib.util import cache_from_source
from pathlib import Path

from jinja2 import BytecodeCache, Environment, PackageLoader, StrictUndefined, Template
from jinja2.bccache import Bucket


class _Compiled(BytecodeCache):
    """Compiled templates in the ``__pycache__`` beside them (PEP 3147); where that cannot be written, there are none.

    What is kept names the Python, the Jinja and the SHA-1 of the template that it was made with; other ones replace it.
    """

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        """Return the path of the compiled template."""
        return cache_from_source(filename or name)

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read what is kept, if it is of this template."""
        with suppress(OSError, ValueError, EOFError, TypeError), Path(bucket.key).open("rb") as stream:
            bucket.load_bytecode(stream)

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it: whole, or not at all."""
        if sys.dont_write_bytecode:
            return
        target = Path(bucket.key)
        partial = target.with_name(f"{target.name}.{os.getpid()}")
        with suppress(OSError):
            target.parent.mkdir(exist_ok=True)
            partial.write_bytes(bucket.bytecode_to_string())
            partial.replace(target)


def environment(package: str) -> Environment:
    """Return what renders the ``templates`` of a package: what is filled in is escaped, and must be there."""
    return Environment(
        loader=PackageLoader(package),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        bytecode_cache=_Compiled(),
    )


_environment = environment("harness.report")


def template(name: str) -> Template:
    """Return the template ``name`` of ``harness/report/templates``."""
    return _environment.get_template(name)
