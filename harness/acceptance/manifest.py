"""The manifest: SHA-256 and size of every member, as canonical JSON (RFC 8785). It is what the signature covers."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import rfc8785

from harness.errors import AcceptanceError

FORMAT = "fhir-harness-acceptance"
VERSION = 1
NAME = "manifest.json"
SIGNATURE = "signature.jws"
DOCUMENT = "acceptance.json"
PAGE = "acceptance.html"


def make(members: Mapping[str, bytes]) -> bytes:
    """Return the manifest of ``members`` (name to contents), canonical JSON in UTF-8."""
    files = {name: {"sha256": hashlib.sha256(data).hexdigest(), "size": len(data)} for name, data in members.items()}
    content: dict[str, Any] = {"format": FORMAT, "version": VERSION, "files": files}
    return rfc8785.dumps(content)


def problems(manifest: bytes, members: Mapping[str, bytes]) -> list[str]:
    """Return how ``members`` (all but manifest and signature) differ from ``manifest``; empty when they agree.

    Raises AcceptanceError when the manifest is not canonical JSON of this format and version.
    """
    listed = _files(manifest)
    found = [f"{name} is missing from the file" for name in listed if name not in members]
    for name, data in members.items():
        entry = listed.get(name)
        if entry is None:
            found.append(f"{name} is not in the manifest")
        elif entry.get("size") != len(data) or entry.get("sha256") != hashlib.sha256(data).hexdigest():
            found.append(f"{name} was altered: its SHA-256 is not the manifest's")
    return found


def _files(manifest: bytes) -> Mapping[str, Mapping[str, Any]]:
    try:
        data = json.loads(manifest)
        canonical = rfc8785.dumps(data)
    except (ValueError, RecursionError, rfc8785.CanonicalizationError) as problem:
        raise AcceptanceError(f"{NAME} is not JSON: {problem}") from problem
    if canonical != manifest:
        raise AcceptanceError(f"{NAME} is not canonical JSON (RFC 8785)")
    if not isinstance(data, dict) or data.get("format") != FORMAT or data.get("version") != VERSION:
        raise AcceptanceError(f"{NAME} is not of format {FORMAT} version {VERSION}; a newer harness may read it")
    files = data.get("files")
    if not isinstance(files, dict) or not all(isinstance(entry, dict) for entry in files.values()):
        raise AcceptanceError(f"{NAME} lists no files")
    return files
