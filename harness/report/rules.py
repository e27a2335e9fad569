"""What the requirements of a run say, and where: the passage of the specification for a report."""

from collections.abc import Mapping
from functools import cache

from harness.data import folder
from harness.engine.events import RunStarted
from harness.errors import HarnessError
from harness.suite.model import Requirement
from harness.suite.requirements import FOLDER, load_requirements


def rules(started: RunStarted) -> Mapping[str, Requirement]:
    """Return the requirements of a run by id: none when another catalogue judged than the one that is here."""
    digest, known = _shipped()
    return known if digest == started.requirements_digest else {}


@cache
def _shipped() -> tuple[str, Mapping[str, Requirement]]:
    try:
        found = load_requirements(folder("testsets") / FOLDER)
    except HarnessError:  # a report is written whatever became of the catalogue
        return "", {}
    return found.digest, found.by_id
