"""The manifest: SHA-256 and size of every member, as canonical JSON (RFC 8785). It is what the signature covers."""

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

import rfc8785

from harness.engine import journal
from harness.errors import AcceptanceError

FORMAT = "fhir-harness-acceptance"
VERSION = 1
NAME = "manifest.json"
SIGNATURE = "signature.jws"
DOCUMENT = "acceptance.json"
PAGE = "acceptance.html"
DEMANDED = (NAME, SIGNATURE, DOCUMENT, PAGE, journal.NAME)
"""Members without which a file is no acceptance file."""
MAX_BYTES = 1024 * 1024
"""Of a manifest."""
_ENTRY = re.compile(r"[0-9a-f]{64}")


def make(members: Mapping[str, bytes]) -> bytes:
    """Return the manifest of ``members`` (name to contents), canonical JSON in UTF-8."""
    files = {name: {"sha256": sha256(data), "size": len(data)} for name, data in members.items()}
    content: dict[str, Any] = {"format": FORMAT, "version": VERSION, "files": files}
    return rfc8785.dumps(content)


def check_members(manifest: bytes, members: Mapping[str, bytes]) -> dict[str, str]:
    """Return the SHA-256 of each of ``members`` (all but manifest and signature), once they are those of ``manifest``.

    Raises AcceptanceError with the first that is not, or when the manifest is not canonical JSON of this format and
    version.
    """
    listed = _files(manifest)
    digests: dict[str, str] = {}
    for name in listed:
        if name not in members:
            raise AcceptanceError(f"{name} is missing from the file")
    for name, data in members.items():
        entry = listed.get(name)
        if entry is None:
            raise AcceptanceError(f"{name} is not in the manifest")
        digests[name] = sha256(data)
        if entry["size"] != len(data) or entry["sha256"] != digests[name]:
            raise AcceptanceError(f"{name} was altered: its SHA-256 is not the manifest's")
    return digests


def sha256(data: bytes) -> str:
    """Return the SHA-256 of ``data``, hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def _files(manifest: bytes) -> Mapping[str, Mapping[str, Any]]:
    if len(manifest) > MAX_BYTES:
        raise AcceptanceError(f"{NAME} is longer than {MAX_BYTES} bytes")
    try:
        data = json.loads(manifest)
        canonical = rfc8785.dumps(data)
    except (ValueError, RecursionError) as problem:
        raise AcceptanceError(f"{NAME} is not JSON: {problem}") from problem
    if canonical != manifest:
        raise AcceptanceError(f"{NAME} is not canonical JSON (RFC 8785)")
    named = (data.get("format"), data.get("version")) if isinstance(data, dict) else ()
    if named != (FORMAT, VERSION) or named[1] is True:
        raise AcceptanceError(f"{NAME} is not of format {FORMAT} version {VERSION}; a newer harness may read it")
    files = data.get("files")
    if set(data) != {"format", "version", "files"} or not isinstance(files, dict):
        raise AcceptanceError(f"{NAME} must hold exactly format, version and files")
    for name, entry in files.items():
        if not _is_entry(entry):
            raise AcceptanceError(f"{NAME}: files/{name} must hold exactly sha256 (64 hexadecimal digits) and size")
    return files


def _is_entry(entry: Any) -> bool:
    return (
        isinstance(entry, dict)
        and set(entry) == {"sha256", "size"}
        and isinstance(entry["sha256"], str)
        and _ENTRY.fullmatch(entry["sha256"]) is not None
        and type(entry["size"]) is int
    )
