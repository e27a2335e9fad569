"""pytest plugin: ``pytest testsets/ --fhir-base-url URL`` runs each test of the test sets as an item.

Without ``--fhir-base-url`` or ``--fhir-candidate`` no YAML file is collected, so that the plugin leaves other projects
alone; the fixture ``fhir_validator`` is there all the same. Only pytest's public API is used.

What ``fhir-harness run`` takes, the plugin takes as ``--fhir-…`` or from the ini file (``fhir_…``), but for what pytest
has itself: its arguments and ``-k`` name tests, ``-m`` their tags, ``-x`` stops, ``-q`` says less, ``--lf`` runs again
what failed. ``--fhir-report-html FILE`` writes the report of the session, ``--fhir-out DIR`` records it as one run,
``--fhir-accept FILE`` signs that.

A server's tests are dealt out to the workers of xdist. A candidate file of ``kind: client`` runs the sets for clients,
all in one run of one worker: a client does one thing at a time, and is told it when pytest comes to the test.
"""

import pytest

import harness
from harness.pytest_plugin.options import CANDIDATE, RECORDS, Settings, add_options

_ITEMS = "harness.pytest_plugin.items"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and their ini twins."""
    add_options(parser)


def pytest_configure(config: pytest.Config) -> None:
    """Load what collects test sets, only when a candidate is named."""
    settings = Settings(config)
    if any(map(settings.given, CANDIDATE)):
        config.pluginmanager.import_plugin(_ITEMS)
    elif any(config.getoption(f"--fhir-{name}") for name in RECORDS):
        named = ", ".join(f"--fhir-{name}" for name in RECORDS)
        raise pytest.UsageError(f"{named} tell of a run: name its candidate with --fhir-base-url")


@pytest.fixture(scope="session")
def fhir_validator() -> "harness.Validator":
    """A validator of FHIR R4 and the profiles that come with the harness: ``fhir_validator.validate(resource).ok``."""
    return harness.Validator(harness.Definitions.embedded())
