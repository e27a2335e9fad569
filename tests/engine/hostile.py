"""A server that answers each path in another hostile way, over raw sockets; one path is harmless."""

import asyncio
import contextlib
import gzip
import json
import socket
import struct
import zlib

from tests.engine.threaded import Threaded

OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/fhir+json\r\n"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
GZIPPED = OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(b"{}")
GOOD = {"resourceType": "Patient", "id": "good", "active": True}
BILLION = b"".join(
    [
        b'<?xml version="1.0"?><!DOCTYPE Patient [<!ENTITY a0 "ha">',
        *(b'<!ENTITY a%d "%s">' % (n, b"&a%d;" % (n - 1) * 10) for n in range(1, 10)),
        b']><Patient xmlns="http://hl7.org/fhir"><id value="&a9;"/></Patient>',
    ]
)
EXTERNAL = (
    b'<?xml version="1.0"?><!DOCTYPE Patient [<!ENTITY x SYSTEM "file:///etc/passwd">]>'
    b'<Patient xmlns="http://hl7.org/fhir"><id value="&x;"/></Patient>'
)


def answer(body, *headers, kind="application/fhir+json", status="200 OK"):
    """The bytes of a whole answer."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\nConnection: close\r\n\r\n" + body


def resource(**members):
    return answer(json.dumps({**GOOD, **members}).encode())


def raw(members):
    """The harmless resource with ``members`` as they are written."""
    return answer(b'{"resourceType": "Patient", "id": "good", ' + members + b"}")


def zstd_bomb(blocks):
    """A frame (RFC 8878) of ``blocks`` blocks, each four bytes that stand for 128 KiB of one byte."""
    run = struct.pack("<I", (128 * 1024 << 3) | 2)[:3] + b"a"
    last = struct.pack("<I", (128 * 1024 << 3) | 3)[:3] + b"a"
    return b"\x28\xb5\x2f\xfd\x00\x58" + run * (blocks - 1) + last


def gzip_bomb(megabytes):
    packer = zlib.compressobj(9, wbits=31)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(megabytes)) + packer.flush()


FIXED = {
    "good": resource().replace(b"\r\nConnection: close", b""),
    "gzip-bomb": answer(gzip_bomb(200), "Content-Encoding: gzip"),
    "gzip-in-gzip": answer(gzip.compress(gzip_bomb(20)), "Content-Encoding: gzip, gzip"),
    "gzip-members": answer(gzip_bomb(10) * 20, "Content-Encoding: gzip"),
    "zstd-bomb": answer(zstd_bomb(16_000), "Content-Encoding: zstd"),
    "deep-arrays": raw(b'"name": ' + b"[" * 100_000 + b"]" * 100_000),
    "deep-objects": raw(b'"x": ' + b'{"x":' * 100_000 + b"1" + b"}" * 100_000),
    "just-deep-enough": raw(b'"x": ' + b"[" * 400 + b"]" * 400),
    "many-values": raw(b'"name": [' + b"{}," * 3_000_000 + b"{}]"),
    "huge-integer": raw(b'"multipleBirthInteger": ' + b"9" * 1_000_000),
    "huge-exponent": raw(b'"multipleBirthInteger": 1E+999999999'),
    "not-a-number": raw(b'"multipleBirthInteger": NaN'),
    "invalid-utf-8": raw(b'"language": "\xff\xfe"'),
    "utf-16": answer(json.dumps(GOOD).encode("utf-16")),
    "nul": raw(b'"language": "a\0b"'),
    "escaped-nul": raw(b'"language": "a\\u0000b"'),
    "lone-surrogate": raw(b'"language": "\\ud800"'),
    "duplicate-keys": raw(b'"active": true, "active": false'),
    "last-key-twice": raw(b",".join(b'"k%d": 1' % n for n in range(140_000)) + b', "k139999": 2'),
    "length-too-long": OK + b"Content-Length: 9000\r\n\r\n" + json.dumps(GOOD).encode(),
    "length-too-short": OK + b"Content-Length: 20\r\n\r\n" + json.dumps(GOOD).encode(),
    "length-negative": OK + b"Content-Length: -5\r\n\r\n{}",
    "two-lengths": OK + b"Content-Length: 2\r\nContent-Length: 9\r\n\r\n{}",
    "garbage": b"\x16\x03\x01\x00\xff" + b"SMTP ready\r\n" * 100,
    "no-answer": b"",
    "many-headers": OK + b"X-A: b\r\n" * 100_000 + b"\r\n",
    "header-with-nul": OK + b"X-A: a\0b\r\nContent-Length: 2\r\n\r\n{}",
    "billion-laughs": answer(BILLION, kind="application/fhir+xml"),
    "external-entity": answer(EXTERNAL, kind="application/fhir+xml"),
    "long-secret": raw('"password": "😀'.encode() + b"a" * 8_000_000 + b'"'),
    "many-secrets": answer(b"token=a&" * 500_000),
    "controls": answer(b"\x1b" * 8_000_000, kind="text/plain"),
    "lines": answer(b"a\n" * 4_000_000, kind="text/plain"),
    "wrong-everywhere": raw(b",".join(b'"k%d": 1' % n for n in range(50_000))),
    "many-contained": raw(b'"contained": [' + b",".join(b'{"id": "%d"}' % n for n in range(20_000)) + b"]"),
    "long-name": raw(b'"' + b"k" * 8_000_000 + b'": 1'),
    "line-breaks": resource(language="fr\r\nX-Injected: yes"),
}
"""Whole answers by path."""


async def flood(writer, before, piece, pause=0.0):
    writer.write(before)
    while True:
        writer.write(piece)
        await writer.drain()
        await asyncio.sleep(pause)


async def reset(writer):
    writer.write(OK + b"Content-Length: 9000\r\n\r\n{")
    await writer.drain()
    hard = struct.pack("ii", 1, 0)  # no lingering: what follows is RST, not FIN
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, hard)
    writer.transport.abort()


SLOW = {
    "silent": lambda writer: flood(writer, b"", b"", 0.2),
    "slow-headers": lambda writer: flood(writer, b"HTTP/1.1 200 OK\r\n", b"X-A: b\r\n", 0.05),
    "slow-body": lambda writer: flood(writer, OK + b"Content-Length: 9000\r\n\r\n", b" ", 0.05),
    "endless-interim": lambda writer: flood(writer, b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "endless-body": lambda writer: flood(writer, OK + b"\r\n", b"a" * 65_536),
    "endless-after-gzip": lambda writer: flood(writer, GZIPPED, b"\0" * 65_536),
    "endless-chunks": lambda writer: flood(writer, CHUNKED, b"1\r\na\r\n" * 1000),
    "endless-chunk": lambda writer: flood(writer, CHUNKED + b"7fffffff\r\n", b"a" * 65_536),
    "two-gigabytes": lambda writer: flood(writer, OK + b"Content-Length: 2147483648\r\n\r\n", b"a" * 65_536),
    "reset": reset,
}
"""Answers that take their time, by path."""


def redirect(location):
    return answer(b"", f"Location: {location}", status="302 Found")


class HostileServer(Threaded):
    """Listens on a loopback port of its own, in a thread. ``seen`` holds (path, headers) of each request."""

    def __init__(self):
        self.seen = []
        super().__init__(limit=1 << 20)
        self.address = f"127.0.0.1:{self.port}"
        self.base = f"http://{self.address}/fhir"

    def moved(self):
        """Redirects by path, and pages that lead elsewhere or in a circle."""
        port = self.address.rpartition(":")[2]
        outside = {
            "elsewhere": "http://elsewhere.invalid/fhir/Patient/good",
            "other-port": "http://127.0.0.1:9/fhir/Patient/good",
            "other-name": f"http://localhost:{port}/fhir/Patient/good",
            "link-local": "http://169.254.169.254/latest/meta-data",
            "file": "file:///etc/passwd",
            "user": f"http://user:password@{self.address}/fhir/Patient/good",
            "number": f"http://2130706433:{port}/fhir/Patient/good",
            "mapped": f"http://[::ffff:127.0.0.1]:{port}/fhir/Patient/good",
        }
        moved = {f"redirect-{name}": redirect(url) for name, url in outside.items()}
        moved |= {f"page-{name}": self.page(url) for name, url in outside.items()}
        moved["attachments"] = resource(photo=[{"url": url} for url in outside.values()])
        moved["redirect-loop"] = redirect(f"{self.base}/Patient/redirect-loop")
        moved["redirect-broken"] = redirect("http://[::1")
        moved["page-cycle"] = self.page(f"{self.base}/Patient?page=cycle")
        return moved

    def page(self, following, filler=b""):
        bundle = {"resourceType": "Bundle", "type": "searchset", "link": [{"relation": "next", "url": following}]}
        return answer(json.dumps(bundle).encode() + filler)

    async def _serve(self, reader, writer):
        try:
            with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
                await self._converse(reader, writer)
            writer.close()
        except asyncio.CancelledError:
            writer.transport.abort()

    async def _converse(self, reader, writer):
        name = "good"
        while name == "good":
            line, *headers = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            path = line.split(" ")[1]
            self.seen.append((path, headers))
            name = path.removeprefix("/fhir/").removeprefix("Patient/").replace("Patient?page=", "page-")
            if name in SLOW:
                await SLOW[name](writer)
            elif name.startswith("page-heavy"):
                following = f"{self.base}/Patient?page=heavy{int(name[10:] or 0) + 1}"
                writer.write(self.page(following, b" " * 10_000_000))
                await writer.drain()
            else:
                writer.write(FIXED.get(name) or self.moved().get(name) or b"")
                await writer.drain()
