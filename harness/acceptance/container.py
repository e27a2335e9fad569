"""The acceptance file's container: a zip with one possible form for given contents.

Members are stored, not compressed, sorted by name, all with the time stamp 1980-01-01 and the same attributes, so that
the same contents give the same bytes on every machine, and a reader can demand exactly those bytes: a change that no
digest would see (a time stamp, a comment, bytes between members) is refused as well. Because there is one form, reading
needs no zip library: nothing is decompressed, and no offset that the file names is followed.
"""

import re
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

from harness.errors import AcceptanceError

MAX_BYTES = 64 * 1024 * 1024
MAX_MEMBERS = 2_000
MAX_NAME = 200
_NAME = re.compile(rb"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CENTRAL = struct.Struct("<4sBBHHHHHLLLHHHHHLL")
_END = struct.Struct("<4sHHHHLLH")
_LOCAL_MARK, _CENTRAL_MARK, _END_MARK = b"PK\x03\x04", b"PK\x01\x02", b"PK\x05\x06"
_VERSION, _UNIX, _MIDNIGHT, _1980_01_01 = 20, 3, 0, 0x21
_OWNER_READS_AND_WRITES = 0o600 << 16


def pack(members: Mapping[str, bytes]) -> bytes:
    """Return the container that holds ``members`` (name to contents).

    Raises AcceptanceError for a name that is not made of plain relative segments, or too many or too large members.
    """
    names = {name: _checked_name(name.encode("utf-8")) for name in sorted(members)}
    sums = {spelled: (len(members[name]), zlib.crc32(members[name])) for name, spelled in names.items()}
    parts: list[bytes] = []
    for name, spelled in names.items():
        parts += [_local(spelled, *sums[spelled]), members[name]]
    parts.append(_directory(sums))
    _check_limits(len(members), sum(map(len, parts)))
    return b"".join(parts)


def unpack(data: bytes) -> Mapping[str, bytes]:
    """Return the members of a container made by :func:`pack`.

    Raises AcceptanceError when ``data`` is not exactly what :func:`pack` makes of its members.
    """
    _check_limits(0, len(data))
    members: dict[bytes, bytes] = {}
    sums: dict[bytes, int] = {}
    offset, last = 0, b""
    while data.startswith(_LOCAL_MARK, offset):
        name, contents = _member(data, offset)
        checksum = zlib.crc32(contents)
        if name in members:
            raise AcceptanceError(f"the member {name.decode('ascii')!r} stands twice in the file")
        if name < last:
            raise AcceptanceError(f"the member {name.decode('ascii')!r} is not in the order of names")
        if data[offset : offset + _LOCAL.size] != _local(name, len(contents), checksum)[: _LOCAL.size]:
            raise AcceptanceError(
                f"the member {name.decode('ascii')!r} is damaged (CRC-32), or has attributes that the format forbids"
            )
        members[name], sums[name] = contents, checksum
        last = name
        _check_limits(len(members), 0)
        offset += _LOCAL.size + len(name) + len(contents)
    if not members:
        raise AcceptanceError("not a zip file, or not one that begins with a member")
    if data[offset:] != _directory({name: (len(members[name]), sums[name]) for name in members}):
        raise AcceptanceError("the zip holds bytes outside of its members' contents that the format does not allow")
    return MappingProxyType({name.decode("ascii"): contents for name, contents in members.items()})


def read(path: Path) -> Mapping[str, bytes]:
    """Return the members of the acceptance file at ``path``. Raises AcceptanceError as :func:`unpack` does."""
    data = load(path)
    try:
        return unpack(data)
    except AcceptanceError as problem:
        raise AcceptanceError(f"{path}: {problem}") from problem


def load(path: Path) -> bytes:
    """Return the bytes of the file at ``path``, one more than allowed at the most. Raises AcceptanceError."""
    try:
        if not path.is_file():
            reason = "it is no regular file" if path.exists() else "no such file"
            raise AcceptanceError(f"{path}: cannot be read: {reason}; name an acceptance file")
        with path.open("rb") as stream:
            return stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as problem:  # ValueError: a NUL in the name
        reason = getattr(problem, "strerror", None) or str(problem)
        raise AcceptanceError(f"{path}: cannot be read: {reason}; name an acceptance file") from problem


def _member(data: bytes, offset: int) -> tuple[bytes, bytes]:
    """Return name and contents of the member whose local header begins at ``offset``."""
    if offset + _LOCAL.size > len(data):
        raise AcceptanceError("the file is cut off within a member's header")
    _, _, flags, method, _, _, _, compressed, size, name_length, _ = _LOCAL.unpack_from(data, offset)
    start = offset + _LOCAL.size
    name = _checked_name(data[start : start + name_length])
    if method != 0 or compressed != size:
        raise AcceptanceError(f"the member {name.decode('ascii')!r} is compressed; acceptance files store members")
    if flags != 0:
        raise AcceptanceError(f"the member {name.decode('ascii')!r} has zip flags (encryption, streaming, encoding)")
    contents = data[start + name_length : start + name_length + size]
    if len(contents) < size:
        raise AcceptanceError(f"the file is cut off within the member {name.decode('ascii')!r}")
    return name, contents


def _checked_name(name: bytes) -> bytes:
    if len(name) > MAX_NAME or not _NAME.fullmatch(name):
        shown = name[:MAX_NAME].decode("utf-8", "replace")
        raise AcceptanceError(
            f"the name {shown!r} cannot stand in an acceptance file: use A-Z a-z 0-9 . _ - and /, "
            f"at most {MAX_NAME} characters"
        )
    return name


def _local(name: bytes, size: int, crc: int) -> bytes:
    return _LOCAL.pack(_LOCAL_MARK, _VERSION, 0, 0, _MIDNIGHT, _1980_01_01, crc, size, size, len(name), 0) + name


def _directory(members: Mapping[bytes, tuple[int, int]]) -> bytes:
    """Return the central directory and its end, for members (name to size and CRC-32) that stand in this order."""
    entries: list[bytes] = []
    offset = 0
    for name, (size, crc) in members.items():
        place = (_MIDNIGHT, _1980_01_01, crc, size, size, len(name), 0, 0, 0, 0, _OWNER_READS_AND_WRITES, offset)
        entries.append(_CENTRAL.pack(_CENTRAL_MARK, _VERSION, _UNIX, _VERSION, 0, 0, *place) + name)
        offset += _LOCAL.size + len(name) + size
    directory = b"".join(entries)
    end = _END.pack(_END_MARK, 0, 0, len(entries), len(entries), len(directory), offset, 0)
    return directory + end


def _check_limits(count: int, size: int) -> None:
    if count > MAX_MEMBERS:
        raise AcceptanceError(f"more than {MAX_MEMBERS} members; run fewer test sets at a time")
    if size > MAX_BYTES:
        raise AcceptanceError(f"larger than {MAX_BYTES} bytes, which no acceptance file is; run fewer test sets")
