"""With which definitions a command judges."""

from collections.abc import Sequence
from pathlib import Path

from harness.fhir.definitions import Definitions
from harness.fhir.lock import add_locked


def open_definitions(packages: Sequence[str]) -> Definitions:
    """Return the embedded definitions with the packages locked in the working folder and ``packages`` on top.

    Raises PackageError.
    """
    definitions = Definitions.embedded()
    add_locked(definitions, Path())
    for ref in packages:
        definitions.add_package(ref)
    return definitions
