"""Reading a trust policy from YAML: ``verify --policy trust.yaml``. Its schema is ``schemas/trust.schema.json``."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from cryptography import x509

from harness.acceptance.signing import load_chain
from harness.acceptance.trust import TrustPolicy
from harness.errors import AcceptanceError, TestSetError, UsageError
from harness.suite.problem import InvalidFile, Problem
from harness.suite.schema import check
from harness.suite.source import Document, read_bytes, read_yaml

T = TypeVar("T")

SCHEMA, SCHEMAS = "trust.schema.json", "harness.acceptance.schemas"
_MAX_BYTES = 16 * 1024 * 1024


def read_policy(path: Path) -> TrustPolicy:
    """Return the policy in the YAML file ``path``; the files that it names are relative to its folder.

    Raises UsageError with ``file:line:column`` of every fault.
    """
    try:
        document = read_yaml(read_bytes(path, str(path)), str(path))
        if faults := check(document, SCHEMA, SCHEMAS):
            raise InvalidFile(fault.problem for fault in faults)
        return _policy(document, path.parent)
    except TestSetError as problem:
        raise UsageError(str(problem)) from problem


def load_crl(data: bytes) -> x509.CertificateRevocationList:
    """Return the revocation list in ``data``, PEM or DER. Raises AcceptanceError when there is none."""
    try:
        return x509.load_pem_x509_crl(data) if b"-----BEGIN" in data else x509.load_der_x509_crl(data)
    except ValueError as problem:
        raise AcceptanceError(f"no revocation list can be read: {problem}; give a PEM or DER file") from problem


def _policy(document: Document, folder: Path) -> TrustPolicy:
    data = document.value
    chains = _files(document, "anchors", folder, load_chain)
    max_age = data.get("max-age")
    return TrustPolicy(
        anchors=tuple(anchor for chain in chains for anchor in chain),
        organization=data.get("organization"),
        max_age=timedelta(days=max_age) if max_age is not None else None,
        required_test_sets=tuple(data.get("test-sets", ())),
        required_definitions=tuple(data.get("definitions", ())),
        subject=data.get("subject", {}),
        key_usages=tuple(data.get("key-usages", TrustPolicy.key_usages)),
        extended_key_usages=tuple(data.get("extended-key-usages", ())),
        crls=_files(document, "crls", folder, load_crl),
        crls_required=data.get("crls-required", False),
    )


def _files(document: Document, key: str, folder: Path, load: Callable[[bytes], T]) -> tuple[T, ...]:
    """Return what the files named under ``key`` hold. Raises InvalidFile with the places of those that cannot be."""
    loaded, problems = [], []
    for index, name in enumerate(document.value.get(key, ())):
        try:
            with (folder / name).open("rb") as stream:
                loaded.append(load(stream.read(_MAX_BYTES)))
        except (OSError, ValueError) as problem:
            reason = getattr(problem, "strerror", None) or problem
            problems.append(Problem("file", document.at((key, index)), f"{name} cannot be read: {reason}"))
        except AcceptanceError as problem:
            problems.append(Problem("file", document.at((key, index)), f"{name}: {problem}"))
    if problems:
        raise InvalidFile(problems)
    return tuple(loaded)
