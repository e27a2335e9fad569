"""pytest plugin: ``pytest testsets/ --fhir-base-url URL`` runs each test of the test sets as an item.

Without ``--fhir-base-url`` or ``--fhir-candidate`` no YAML file is collected, so that the plugin leaves other projects
alone; the fixture ``fhir_validator`` is there all the same. Only pytest's public API is used.

``--fhir-out DIR`` records the session as one run, as ``fhir-harness run`` does, and ``--fhir-accept FILE`` signs it.
"""

import pytest

import harness

_ITEMS = "harness.pytest_plugin.items"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and their ini twins."""
    group = parser.getgroup("fhir-harness", "FHIR connection tests")
    group.addoption("--fhir-base-url", metavar="URL", help="FHIR base of the candidate: collect and run test sets.")
    group.addoption("--fhir-candidate", metavar="FILE", help="Candidate file: collect and run test sets.")
    group.addoption("--fhir-fixtures", metavar="DIR", help="Fixtures of the test sets (default: beside them).")
    group.addoption("--fhir-package", metavar="REF", action="append", default=[], help="FHIR package to judge by.")
    group.addoption("--fhir-seed", metavar="N", type=int, help="Seed of ${random…}.")
    group.addoption("--fhir-out", metavar="DIR", help="Record the session as one run in this folder; not with -n.")
    group.addoption("--fhir-accept", metavar="FILE", help="Sign the recorded run: the acceptance file; not with -n.")
    group.addoption("--fhir-key", metavar="FILE", help="Private key for --fhir-accept, PEM.")
    group.addoption("--fhir-cert", metavar="FILE", help="Certificate chain for --fhir-accept, PEM.")
    parser.addini("fhir_base_url", "FHIR base of the candidate, as --fhir-base-url.")
    parser.addini("fhir_candidate", "Candidate file, as --fhir-candidate.")


def pytest_configure(config: pytest.Config) -> None:
    """Load what collects test sets, only when a candidate is named."""
    if any(config.getoption(f"--{name}") or config.getini(name.replace("-", "_")) for name in _CANDIDATE):
        config.pluginmanager.import_plugin(_ITEMS)
    elif config.getoption("--fhir-out") or config.getoption("--fhir-accept"):
        raise pytest.UsageError("--fhir-out and --fhir-accept record a run: name its candidate with --fhir-base-url")


_CANDIDATE = ("fhir-base-url", "fhir-candidate")


@pytest.fixture(scope="session")
def fhir_validator() -> "harness.Validator":
    """A validator of FHIR R4 and the profiles that come with the harness: ``fhir_validator.validate(resource).ok``."""
    return harness.Validator(harness.Definitions.embedded())
