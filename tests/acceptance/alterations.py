"""Designed alterations of an acceptance file, each by name: what a forger, a bad disk or a clever reader might do.

``designed`` yields name and bytes; none may verify. Those named ``…/signer/…`` are signed anew with the right key:
what a dishonest but trusted publisher could try.
"""

import base64
import io
import json
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import rfc8785
from cryptography.hazmat.primitives import hashes, hmac
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from harness.acceptance import container, manifest, signing
from tests.acceptance.authorities import NOW, Holder, issue

ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
SIGNED = (manifest.NAME, manifest.SIGNATURE)
Members = Mapping[str, bytes]
Named = Iterator[tuple[str, bytes]]


@dataclass(frozen=True)
class Forger:
    """What there is to alter: a file, another run's, the signer and the signer's authority."""

    members: Members
    other: Members
    """Another run, signed by the same signer."""
    root: Holder
    signer: Holder

    @property
    def data(self) -> bytes:
        """The file's bytes."""
        return container.pack(self.members)

    def resigned(self, content: Members, listing: bytes | None = None, signer: Holder | None = None) -> bytes:
        """``content`` with a manifest and signature made anew."""
        content = {name: data for name, data in content.items() if name not in SIGNED}
        listing = manifest.make(content) if listing is None else listing
        holder = signer or self.signer
        signature = signing.sign(listing, holder.key, [holder.certificate], NOW)
        return container.pack({**content, manifest.NAME: listing, manifest.SIGNATURE: signature})


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
        _headers,
        _signatures,
        _trust,
    ):
        for name, data in group(forger):
            yield f"{group.__name__[1:]}/{name}", data


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


def _encoded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def _split(forger: Forger) -> tuple[dict[str, Any], bytes]:
    protected, _, signature = forger.members[manifest.SIGNATURE].split(b".")
    return json.loads(base64.urlsafe_b64decode(protected + b"===")), base64.urlsafe_b64decode(signature + b"===")


def _with_signature(forger: Forger, signature: bytes) -> bytes:
    return container.pack({**forger.members, manifest.SIGNATURE: signature})


def _headers(forger: Forger) -> Named:
    """Header values, each signed properly with the signer's key as ES256 whatever the header says."""
    header, _ = _split(forger)
    der = base64.b64encode(issue("Another").certificate.public_bytes(Encoding.DER)).decode()
    algorithms = ["none", "None", "HS256", "RS256", "PS256", "ES384", "ES512", "ES256K", "EdDSA", "es256", "", None, 1]
    changes: dict[str, dict[str, Any]] = {f"alg-{alg}": {"alg": alg} for alg in algorithms} | {
        "alg-list": {"alg": ["ES256"]},
        "crit": {"crit": ["exp"], "exp": 1},
        "crit-empty": {"crit": []},
        "b64": {"b64": False, "crit": ["b64"]},
        "jwk": {"jwk": {"kty": "EC"}},
        "jku": {"jku": "https://example.org/keys"},
        "x5u": {"x5u": "https://example.org/chain"},
        "kid": {"kid": "../../key"},
        "typ": {"typ": "JWT"},
        "typ-review": {"typ": "fhir-harness-review+jws"},
        "iat-text": {"iat": str(header["iat"])},
        "iat-decimal": {"iat": header["iat"] + 0.5},
        "iat-negative": {"iat": -1},
        "iat-huge": {"iat": 10**30},
        "iat-true": {"iat": True},
        "iat-null": {"iat": None},
        "iat-future": {"iat": header["iat"] + 86_400},
        "iat-before-the-certificate": {"iat": header["iat"] - 864_000},
        "x5c-empty": {"x5c": []},
        "x5c-text": {"x5c": header["x5c"][0]},
        "x5c-null": {"x5c": [None]},
        "x5c-not-base64": {"x5c": ["!"]},
        "x5c-not-a-certificate": {"x5c": ["AAAA"]},
        "x5c-another": {"x5c": [der]},
        "x5c-another-first": {"x5c": [der, *header["x5c"]]},
        "x5c-many": {"x5c": header["x5c"] * 11},
    }  # fmt: skip
    for change, members in changes.items():
        yield change, _with_signature(forger, _signed(forger, json.dumps({**header, **members}).encode()))
    texts = {
        "not-json": b"header",
        "array": b"[]",
        "member-twice": json.dumps(header).encode()[:-1] + b',"alg":"ES256"}',
        "not-utf-8": b'{"alg":"\xff"}',
        "deep": b"[" * 30_000,
        "huge": json.dumps({**header, "typ": "x" * 100_000}).encode(),
    }
    for change, text in texts.items():
        yield change, _with_signature(forger, _signed(forger, text))
    for name in header:
        less = {key: value for key, value in header.items() if key != name}
        yield f"without-{name}", _with_signature(forger, _signed(forger, json.dumps(less).encode()))


def _signed(forger: Forger, header: bytes) -> bytes:
    protected = _encoded(header)
    covered = protected + b"." + _encoded(forger.members[manifest.NAME])
    key = forger.signer.key
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    r, s = utils.decode_dss_signature(key.sign(covered, ec.ECDSA(hashes.SHA256())))
    return protected + b".." + _encoded(r.to_bytes(32) + min(s, ORDER - s).to_bytes(32))


def _signatures(forger: Forger) -> Named:
    whole = forger.members[manifest.SIGNATURE]
    protected, _, encoded = whole.split(b".")
    header, raw = _split(forger)
    r, s = int.from_bytes(raw[:32]), int.from_bytes(raw[32:])
    key = forger.signer.certificate.public_key()
    values: dict[str, bytes] = {
        "empty": b"",
        "mirrored": raw[:32] + (ORDER - s).to_bytes(32),
        "r-zero": bytes(32) + raw[32:],
        "s-zero": raw[:32] + bytes(32),
        "both-zero": bytes(64),
        "both-one": (1).to_bytes(32) + (1).to_bytes(32),
        "r-order": ORDER.to_bytes(32) + raw[32:],
        "s-order": raw[:32] + ORDER.to_bytes(32),
        "r-plus-order": ((r + ORDER) % 2**256).to_bytes(32) + raw[32:],
        "all-ones": b"\xff" * 64,
        "swapped": raw[32:] + raw[:32],
        "short": raw[:-1],
        "long": raw + b"\0",
        "leading-zero": b"\0" + raw,
        "half": raw[:32],
        "der": utils.encode_dss_signature(r, s),
        "other-runs": base64.urlsafe_b64decode(forger.other[manifest.SIGNATURE].split(b".")[2] + b"==="),
    }
    for change, value in values.items():
        yield change, _with_signature(forger, protected + b".." + _encoded(value))
    public = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    hs256 = _encoded(json.dumps({**header, "alg": "HS256"}).encode())
    mac = hmac.HMAC(public, hashes.SHA256())
    mac.update(hs256 + b"." + _encoded(forger.members[manifest.NAME]))
    payload = _encoded(forger.members[manifest.NAME])
    spellings = {
        "hmac-with-the-public-key": hs256 + b".." + _encoded(mac.finalize()),
        "padded": whole + b"==",
        "spaces": whole + b" ",
        "line-end": whole + b"\n",
        "standard-alphabet": protected + b".." + base64.b64encode(raw),
        "bits-after-the-end": whole[:-1] + bytes([whole[-1] + 1]),
        "payload-attached": protected + b"." + payload + b"." + encoded,
        "four-parts": whole + b".",
        "two-parts": protected + b"." + encoded,
        "json": json.dumps({"protected": protected.decode(), "payload": "", "signature": encoded.decode()}).encode(),
        "other-file's": forger.other[manifest.SIGNATURE],
        "huge": protected + b".." + b"A" * 1_000_000,
        "not-ascii": "é..é".encode(),
    }
    for change, signature in spellings.items():
        yield change, _with_signature(forger, signature)


def _trust(forger: Forger) -> Named:
    """The right contents under a signature that holds, of somebody who is not to be believed."""
    root, name = forger.root, forger.signer.certificate.subject
    stranger = issue("AC", subject=root.certificate.subject)
    old, new = timedelta(days=-1), timedelta(days=1)
    signers = {
        "self-signed": issue("Signer", ca=False, subject=name),
        "another-authority": issue("Signer", ca=False, subject=name),
        "authority-of-the-same-name": issue("Signer", stranger, ca=False, subject=name),
        "expired": issue("Signer", root, ca=False, end=old),
        "not-yet-valid": issue("Signer", root, ca=False, start=new),
        "not-for-signing": issue("Signer", root, ca=False, usages=["key_encipherment"]),
        "issued-by-the-signer": issue("Signer", forger.signer, ca=False),
    }
    for change, signer in signers.items():
        yield change, forger.resigned(forger.members, signer=signer)
    swapped = {**forger.members, manifest.NAME: forger.other[manifest.NAME]}
    yield "manifest-of-another-run", container.pack(swapped)
    swapped[manifest.SIGNATURE] = forger.other[manifest.SIGNATURE]
    yield "manifest-and-signature-of-another-run", container.pack(swapped)
    review = signing.sign(
        forger.members[manifest.NAME], forger.signer.key, [forger.signer.certificate], NOW, "fhir-harness-review+jws"
    )
    yield "signed-as-a-review", _with_signature(forger, review)
