"""The records of the client, as its own system would keep them: the good fixtures, with new identifiers each time."""

import base64
import hashlib
import json
import uuid
from copy import deepcopy
from pathlib import Path
from typing import Any

_FIXTURES = Path(__file__).parents[2] / "fixtures"
ARC = "urn:oid:1.2.250.1.213.1.4.10.999"
"""The arc below which this client numbers its documents (test)."""
URI = "urn:ietf:rfc:3986"


def record(name: str) -> dict[str, Any]:
    """Return the resource kept under ``name``, without an id and without what a server would have added."""
    made: dict[str, Any] = json.loads((_FIXTURES / f"{name}.json").read_text("utf-8"))
    made.pop("id", None)
    return made


def fresh_uuid() -> str:
    """Return a new ``urn:uuid:``."""
    return uuid.uuid4().urn


def fresh_oid() -> str:
    """Return a new ``urn:oid:`` below the arc of this client."""
    return f"{ARC}.{uuid.uuid4().int % 10**12}"


def extension(resource: dict[str, Any], name: str) -> dict[str, Any]:
    """Return the first extension of ``resource`` whose URL ends with ``name``. Raises StopIteration for none."""
    found: dict[str, Any] = next(item for item in resource["extension"] if item["url"].endswith(name))
    return found


def set_attachment(attachment: dict[str, Any], content: bytes) -> None:
    """Describe ``content`` in ``attachment``: its size in octets, and its SHA-1 in base64."""
    attachment["size"] = len(content)
    attachment["hash"] = base64.b64encode(hashlib.sha1(content, usedforsecurity=False).digest()).decode()


def copied(resource: dict[str, Any]) -> dict[str, Any]:
    """Return a copy that can be changed."""
    return deepcopy(resource)
