"""The acceptance file's container: a zip with one possible form for given contents.

Members are stored, not compressed, sorted by name, with the time stamp 1980-01-01 and no attributes, so that the same
contents give the same bytes on every machine, and a reader can demand exactly those bytes: a change that no digest
would see (a time stamp, a comment, bytes between members) is refused as well.
"""

import io
import re
import zipfile
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from harness.errors import AcceptanceError

MAX_BYTES = 200 * 1024 * 1024
MAX_MEMBERS = 2_000
_EPOCH = (1980, 1, 1, 0, 0, 0)
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")


def pack(members: Mapping[str, bytes]) -> bytes:
    """Return the container that holds ``members`` (name to contents).

    Raises AcceptanceError for a name that is not made of plain relative segments, or too many or too large members.
    """
    _check_limits(len(members), sum(map(len, members.values())))
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            if not _NAME.fullmatch(name):
                raise AcceptanceError(
                    f"the name {name!r} cannot stand in an acceptance file: use A-Z a-z 0-9 . _ - and /"
                )
            info = zipfile.ZipInfo(name, _EPOCH)
            info.create_system = 3
            info.external_attr = 0
            archive.writestr(info, members[name])
    return target.getvalue()


def unpack(data: bytes) -> Mapping[str, bytes]:
    """Return the members of a container made by :func:`pack`.

    Raises AcceptanceError when ``data`` is not exactly what :func:`pack` makes of its members.
    """
    if len(data) > MAX_BYTES:
        raise AcceptanceError(f"the file has {len(data)} bytes; an acceptance file has at most {MAX_BYTES}")
    members: dict[str, bytes] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            _check_limits(len(entries), sum(entry.file_size for entry in entries))
            for entry in entries:
                if entry.compress_type != zipfile.ZIP_STORED:
                    raise AcceptanceError(
                        f"the member {entry.filename!r} is compressed; acceptance files store members"
                    )
                if entry.filename in members:
                    raise AcceptanceError(f"the member {entry.filename!r} stands twice in the file")
                members[entry.filename] = archive.read(entry)
    except AcceptanceError:
        raise
    except (
        Exception
    ) as problem:  # zipfile raises BadZipFile, struct.error, NotImplementedError, RuntimeError, ValueError…
        raise AcceptanceError(f"not a readable zip file, or damaged: {problem}") from problem
    if pack(members) != data:
        raise AcceptanceError("the zip holds bytes outside of its members' contents that the format does not allow")
    return MappingProxyType(members)


def read(path: Path) -> Mapping[str, bytes]:
    """Return the members of the acceptance file at ``path``. Raises AcceptanceError as :func:`unpack` does."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise AcceptanceError(f"{path}: larger than {MAX_BYTES} bytes, which no acceptance file is")
        return unpack(path.read_bytes())
    except OSError as problem:
        raise AcceptanceError(f"{path}: cannot be read: {problem.strerror}; name an acceptance file") from problem
    except AcceptanceError as problem:
        raise AcceptanceError(f"{path}: {problem}") from problem


def _check_limits(count: int, size: int) -> None:
    if count > MAX_MEMBERS:
        raise AcceptanceError(f"{count} members; an acceptance file has at most {MAX_MEMBERS}")
    if size > MAX_BYTES:
        raise AcceptanceError(f"{size} bytes of members; an acceptance file has at most {MAX_BYTES}")
