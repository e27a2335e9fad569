"""Designed alterations of an acceptance file, each by name: what a forger, a bad disk or a clever reader might do.

``designed`` yields name and bytes; none may verify. Those named ``…/signer/…`` are signed anew with the right key:
what a dishonest but trusted publisher could try.
"""

import base64
import io
import json
import struct
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import rfc8785

from harness.acceptance import container, manifest
from tests.acceptance.forger import SIGNED, Forger, Members, Named
from tests.acceptance.forgeries import headers, signatures, trust


def designed(forger: Forger) -> Named:
    """Yield every alteration."""
    for group in (
        _zip_fields,
        _bytes,
        _members,
        _zips,
        _manifests,
        _documents,
        _journals,
        headers,
        signatures,
        trust,
    ):
        for name, data in group(forger):
            yield f"{group.__name__.lstrip('_')}/{name}", data


_COMMON = ("version", "flags", "method", "time", "date", "crc", "packed", "size", "name", "extra")
_PLACE = ("comment", "disk", "internal", "external", "offset")
_LOCAL = "<4sHHHHHLLLHH", ("mark", *_COMMON)
_CENTRAL = "<4sHHHHHHLLLHHHHHLL", ("mark", "made-by", *_COMMON, *_PLACE)
_END = "<4sHHHHLLH", ("mark", "disk", "start-disk", "entries-here", "entries", "size", "offset", "comment")


def _zip_fields(forger: Forger) -> Named:
    data = forger.data
    end = len(data) - 22
    first = data.index(b"PK\x01\x02", struct.unpack_from("<L", data, end + 16)[0])
    last_local, last_central = data.rindex(b"PK\x03\x04"), data.rindex(b"PK\x01\x02")
    places = {
        "first-local": (0, _LOCAL), "last-local": (last_local, _LOCAL), "first-central": (first, _CENTRAL),
        "last-central": (last_central, _CENTRAL), "end": (end, _END),
    }  # fmt: skip
    for place, (offset, (layout, names)) in places.items():
        fields = list(struct.unpack_from(layout, data, offset))
        for index, name in enumerate(names):
            changed = list(fields)
            changed[index] = b"PK\x07\x08" if name == "mark" else fields[index] ^ 1
            patched = struct.pack(layout, *changed)
            yield f"{place}-{name}", data[:offset] + patched + data[offset + len(patched) :]


def _bytes(forger: Forger) -> Named:
    data = forger.data
    yield "empty", b""
    yield "one-byte", data[:1]
    yield "a-text", b"an acceptance file"
    yield "prefix", b"#!/bin/sh\n" + data
    yield "suffix", data + b"\0"
    yield "comment", data[:-2] + b"\x05\0hello"
    yield "twice", data + data
    yield "cut-in-header", data[:20]
    yield "cut-in-member", data[:200]
    yield "cut-before-directory", data[: data.index(b"PK\x01\x02")]
    yield "cut-in-end", data[:-1]
    yield "reversed", data[::-1]
    yield "zeros", bytes(len(data))
    yield "base64", base64.b64encode(data)


_CONTENT: Mapping[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "first-byte": lambda data: bytes([data[0] ^ 1]) + data[1:],
    "last-byte": lambda data: data[:-1] + bytes([data[-1] ^ 1]),
    "line-end-added": lambda data: data + b"\n",
    "byte-order-mark": lambda data: b"\xef\xbb\xbf" + data,
    "carriage-returns": lambda data: data.replace(b"\n", b"\r\n") if b"\n" in data else data + b"\r",
    "utf-16": lambda data: data.decode("utf-8").encode("utf-16"),
    "not-utf-8": lambda data: data + b"\xff",
    "doubled": lambda data: data + data,
}
_NAMES: Mapping[str, Callable[[str], str]] = {
    "upper-case": str.upper,
    "in-a-folder": lambda name: f"x/{name}",
    "dot-added": lambda name: f"{name}.",
}
_UNSAFE_NAMES: Mapping[str, Callable[[str], str]] = {
    "parent": lambda name: f"../{name}",
    "absolute": lambda name: f"/{name}",
    "drive": lambda name: f"C:{name}",
    "backslash": lambda name: f"..\\{name}",
    "nul": lambda name: f"{name}\0.txt",
    "space": lambda name: f"{name} ",
    "unicode": lambda name: name.replace("a", "а", 1) + "а",
    "long": lambda name: name * 40,
}


def _members(forger: Forger) -> Named:
    for name, contents in forger.members.items():
        others = {other: data for other, data in forger.members.items() if other != name}
        yield f"{name}-missing", container.pack(others)
        for change, alter in _CONTENT.items():
            yield f"{name}-{change}", container.pack({**others, name: alter(contents)})
        for change, rename in _NAMES.items():
            yield f"{name}-{change}", container.pack({**others, rename(name): contents})
    for change, rename in _UNSAFE_NAMES.items():
        yield f"unsafe-{change}", _zipped({**forger.members, rename("a.txt"): b"x"})
    names = [name for name in forger.members if name not in SIGNED]
    for one, two in zip(names, names[1:] + names[:1], strict=True):
        yield f"{one}-swapped", container.pack({**forger.members, one: forger.members[two], two: forger.members[one]})


def _zipped(members: Members, method: int = zipfile.ZIP_STORED, *, order: Callable[..., Any] = sorted) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", method) as archive:
        for name in order(members):
            archive.writestr(zipfile.ZipInfo(name), members[name], method)
    return target.getvalue()


def _zips(forger: Forger) -> Named:
    members = forger.members
    yield "deflated", _zipped(members, zipfile.ZIP_DEFLATED)
    yield "bzip2", _zipped(members, zipfile.ZIP_BZIP2)
    yield "lzma", _zipped(members, zipfile.ZIP_LZMA)
    yield "another-order", _zipped(members, order=lambda names: sorted(names, reverse=True))
    yield "bomb", _zipped({**members, "bomb.txt": bytes(50_000_000)}, zipfile.ZIP_DEFLATED)
    yield "many-members", _zipped({f"m{number}": b"" for number in range(5_000)})
    yield "none", _zipped({})
    yield "nested", _zipped({"file.zip": forger.data})
    yield "folder", _zipped({**members, "folder/": b""})
    huge = bytearray(forger.data)
    struct.pack_into("<LL", huge, 18, 0xFFFFFFFF, 0xFFFFFFFF)
    yield "claims-four-gigabytes", bytes(huge)
    link = io.BytesIO()
    with zipfile.ZipFile(link, "w") as archive:
        for name in sorted(members):
            info = zipfile.ZipInfo(name)
            info.create_system, info.external_attr = 3, (0o120777 if name == manifest.DOCUMENT else 0o100600) << 16
            archive.writestr(info, b"/etc/passwd" if name == manifest.DOCUMENT else members[name])
    yield "symbolic-link", link.getvalue()
    for name in members:
        first = forger.data.index(b"PK\x01\x02", forger.data.rindex(b"PK\x03\x04"))
        local = container.pack({name: members[name]})
        local = local[: local.index(b"PK\x01\x02", 30 + len(name) + len(members[name]))]
        yield f"{name}-stands-twice", forger.data[:first] + local + forger.data[first:]


def _manifests(forger: Forger) -> Named:
    text = forger.members[manifest.NAME]
    data = json.loads(text)
    entry = data["files"][manifest.DOCUMENT]
    texts: dict[str, bytes] = {
        "spaces": json.dumps(data).encode(),
        "member-twice": text.replace(b'"version":1', b'"version":1,"version":1'),
        "order": json.dumps(dict(reversed(data.items())), separators=(",", ":")).encode(),
        "escaped": text.replace(b"fhir-harness", b"fhir\\u002dharness"),
        "version-as-decimal": text.replace(b'"version":1', b'"version":1.0'),
        "deep": b"[" * 100_000,
        "digits": b'{"version":' + b"9" * 10_000 + b"}",
        "not-a-number": text.replace(b'"version":1', b'"version":NaN'),
        "surrogate": text.replace(b"fhir-harness", b"\\ud800"),
        "not-json": b"manifest",
        "array": b"[]",
        "null": b"null",
    }
    values: dict[str, Any] = {
        "version-2": {**data, "version": 2},
        "version-true": {**data, "version": True},
        "version-text": {**data, "version": "1"},
        "format": {**data, "format": "another"},
        "extra": {**data, "extra": 1},
        "no-files": {key: value for key, value in data.items() if key != "files"},
        "files-empty": {**data, "files": {}},
        "files-array": {**data, "files": []},
    }
    entries: dict[str, Any] = {
        "size": {**entry, "size": entry["size"] + 1},
        "size-true": {**entry, "size": True},
        "size-text": {**entry, "size": str(entry["size"])},
        "digest": {**entry, "sha256": "0" * 64},
        "digest-upper-case": {**entry, "sha256": entry["sha256"].upper()},
        "digest-short": {**entry, "sha256": entry["sha256"][:32]},
        "digest-missing": {"size": entry["size"]},
        "digest-null": {**entry, "sha256": None},
        "extra-member": {**entry, "crc": 1},
        "null": None,
    }
    for change, value in entries.items():
        values[f"entry-{change}"] = {**data, "files": {**data["files"], manifest.DOCUMENT: value}}
    texts |= {change: rfc8785.dumps(value) for change, value in values.items()}
    for change, listing in texts.items():
        yield change, container.pack({**forger.members, manifest.NAME: listing})
        yield f"signer/{change}", forger.resigned(forger.members, listing)


def _documents(forger: Forger) -> Named:
    data = json.loads(forger.members[manifest.DOCUMENT])
    first = data["testSets"][0]
    changes: dict[str, dict[str, Any]] = {
        "verdict": {"verdict": "pass"},
        "counts": {"counts": {"pass": 3}},
        "software": {"software": {"publisher": "Another"}},
        "run": {"run": "another"},
        "started": {"started": "2030-01-01T00:00:00.000Z"},
        "lacks": {"lacks": []},
        "requirements": {"requirements": {}},
        "definitions": {"definitions": [{**data["definitions"][0], "official": True}]},
        "candidate": {"candidate": {"base-url": "https://example.org"}},
        "test": {"testSets": [{**first, "tests": [{**test, "verdict": "pass"} for test in first["tests"]]}]},
        "tests-missing": {"testSets": [{**first, "tests": first["tests"][:1]}]},
        "extra": {"extra": 1},
    }
    for change, members in changes.items():
        altered = {**forger.members, manifest.DOCUMENT: json.dumps({**data, **members}, indent=2).encode()}
        yield change, container.pack(altered)
        yield f"with-digest-{change}", container.pack({**altered, manifest.NAME: _listing(altered)})
        yield f"signer/{change}", forger.resigned(altered)
    page = forger.members[manifest.PAGE]
    for change, altered_page in {
        "page-verdict": page.replace(b">fail<", b">pass<"),
        "page-script": page.replace(b"</body>", b"<script>alert(1)</script></body>"),
        "page-other": forger.other[manifest.PAGE],
    }.items():
        yield f"signer/{change}", forger.resigned({**forger.members, manifest.PAGE: altered_page})


def _listing(members: Members) -> bytes:
    return manifest.make({name: data for name, data in members.items() if name not in SIGNED})


def _journals(forger: Forger) -> Named:
    journal = forger.members["journal.ndjson"]
    lines = journal.splitlines(keepends=True)
    changes = {
        "cut": b"".join(lines[:-1]),
        "without-start": b"".join(lines[1:]),
        "two-starts": lines[0] + journal,
        "test-removed": b"".join(line for line in lines if b'"skips"' not in line or b"RunStarted" in line),
        "verdict": journal.replace(b'"verdict":"fail"', b'"verdict":"pass"'),
        "status": journal.replace(b'"status":500', b'"status":200'),
        "unknown-test": journal.replace(b'"test":"reads"', b'"test":"other"', 1),
        "not-json": lines[0] + b"{\n" + b"".join(lines[1:]),
        "deep": lines[0] + b"[" * 100_000 + b"\n",
        "wrong-type": journal.replace(b'"seed":1', b'"seed":"1"'),
        "traversal": journal.replace(b'"path":"patient.yaml"', b'"path":"../patient.yaml"'),
        "other": forger.other["journal.ndjson"],
        "empty": b"",
        "one-line": journal.replace(b"\n", b" "),
        "bad-base64": journal.replace(b'{"text":"{', b'{"base64":"{', 1),
    }
    for change, altered in changes.items():
        members = {**forger.members, "journal.ndjson": altered}
        yield change, container.pack({**members, manifest.NAME: _listing(members)})
        yield f"signer/{change}", forger.resigned(members)
    sources = next(name for name in forger.members if name.startswith("sources/"))
    yield "signer/source-altered", forger.resigned({**forger.members, sources: b"testset: easier\n"})
    yield "signer/source-missing", forger.resigned({k: v for k, v in forger.members.items() if k != sources})
