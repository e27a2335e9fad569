"""FHIR packages (NPM form): read from a folder, a .tgz or the cache ``~/.fhir/packages``, never from the network.

    python -m harness.fhir.packages index DIR...      write DIR/.index.json, by which a pack loads lazily

A package is ``package.json`` and conformance resources, beside it or under ``package/``; a resource is a file
``*.json`` or one line of a ``*.jsonl``. Source: https://hl7.org/fhir/R4/packages.html
and the NPM package specification of HL7.
"""

import hashlib
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from harness.errors import PackageError
from harness.fhir.archives import DEFAULT_LIMITS, Limits, read_archive
from harness.fhir.compact import Constraints, restore

INDEX_NAME = ".index.json"
_INDEX_VERSION = "harness-1"
_FHIR = "4.0"


class IndexRow(NamedTuple):
    """Where one resource lies, and the facts about it that are asked before it is parsed.

    ``resource_type`` is its ``resourceType``; ``kind``, ``type``, ``derivation`` and ``abstract`` are those of a
    StructureDefinition (for a CodeSystem ``kind`` is its ``content`` and ``type`` what it supplements).
    """

    url: str
    version: str
    resource_type: str
    id: str
    kind: str
    type: str
    derivation: str
    abstract: bool
    file: str
    offset: int
    length: int

    @classmethod
    def of(cls, resource: Mapping[str, Any], file: str = "", offset: int = 0, length: int = 0) -> "IndexRow":
        """Return the row of ``resource``, which fills ``length`` bytes of ``file`` from ``offset``."""
        code_system = resource.get("resourceType") == "CodeSystem"
        return cls(
            url=_text(resource, "url"),
            version=_text(resource, "version"),
            resource_type=_text(resource, "resourceType"),
            id=_text(resource, "id"),
            kind=_text(resource, "content" if code_system else "kind"),
            type=_text(resource, "supplements" if code_system else "type"),
            derivation=_text(resource, "derivation"),
            abstract=resource.get("abstract") is True,
            file=file,
            offset=offset,
            length=length,
        )

    def at(self, offset: int, length: int) -> "IndexRow":
        """Return the same row at another place of its file."""
        return self._replace(offset=offset, length=length)


def _text(resource: Mapping[str, Any], key: str) -> str:
    value = resource.get(key)
    return value if isinstance(value, str) else ""


@dataclass(frozen=True)
class PackageInfo:
    """Which package judged: its name, version and digest.

    ``official`` is false for the packs that come with the harness (the R4 facts and the restated profiles). ``digest``
    is computed at first use: SHA-256 over the lines "name, NUL, SHA-256 of the content, newline" of ``package.json``
    and of every resource file, sorted by name, so that a folder and a .tgz of the same package have the same one.
    """

    name: str
    version: str
    path: Path
    fhir_versions: tuple[str, ...]
    dependencies: Mapping[str, str]
    official: bool
    _content: "_Content" = field(repr=False, compare=False)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the canonical content, in hexadecimal."""
        total = hashlib.sha256()
        for name in sorted(self._content.sizes()):
            total.update(name.encode() + b"\0" + hashlib.sha256(self._content.read(name)).hexdigest().encode() + b"\n")
        return total.hexdigest()


class _Content:
    """The files of a package: those of a folder, or those of an archive held in memory."""

    def __init__(self, root: Path, members: Mapping[str, bytes] | None = None) -> None:
        self.root = root
        self._members = members

    def sizes(self) -> dict[str, int]:
        """Return name -> bytes of ``package.json`` and of the resource files (the index is not content)."""
        if self._members is not None:
            found = {n: len(b) for n, b in self._members.items() if "/" not in n}
        else:
            with os.scandir(self.root) as entries:
                found = {e.name: e.stat().st_size for e in entries if e.is_file()}
        return {n: s for n, s in found.items() if n.endswith((".json", ".jsonl")) and not n.startswith(".")}

    def read(self, name: str, offset: int = 0, length: int = -1) -> bytes:
        """Return ``length`` bytes (-1: all) of the file ``name`` from ``offset``; PackageError if unreadable."""
        if self._members is not None:
            content = self._members[name]
            return content if length < 0 else content[offset : offset + length]
        try:
            with (self.root / name).open("rb") as file:
                file.seek(offset)
                return file.read(length)
        except OSError as error:
            raise PackageError(f"{self.root / name}: cannot be read ({error.strerror}).") from error

    def under(self, folder: str) -> Iterator[tuple[str, bytes]]:
        """Yield the .json files of a sub-folder, sorted by name."""
        if self._members is not None:
            for name in sorted(self._members):
                if name.startswith(f"{folder}/") and name.endswith(".json") and not Path(name).name.startswith("."):
                    yield name, self._members[name]
        elif (self.root / folder).is_dir():
            for path in sorted((self.root / folder).glob("[!.]*.json")):
                yield f"{folder}/{path.name}", self.read(f"{folder}/{path.name}")


class Package:
    """One package, indexed; resources are parsed when they are asked for."""

    def __init__(self, info: PackageInfo, content: _Content) -> None:
        self.info = info
        self.root = content.root
        self._content = content

    @cached_property
    def _index(self) -> tuple[tuple[IndexRow, ...], Constraints]:
        sizes = self._content.sizes()
        return _committed_index(self._content, sizes) or (tuple(self.scan()), {})

    @property
    def rows(self) -> tuple[IndexRow, ...]:
        """The index: that of the package when it fits its files, else made by reading them."""
        return self._index[0]

    def scan(self) -> Iterator[IndexRow]:
        """Yield the rows of an index made from the files themselves."""
        for name in sorted(self._content.sizes()):
            for resource, offset, length in self._parse(name):
                if name != "package.json" and isinstance(resource.get("resourceType"), str):
                    yield IndexRow.of(resource, name, offset, length)

    def _parse(self, name: str) -> Iterator[tuple[dict[str, Any], int, int]]:
        content = self._content.read(name)
        offset = 0
        for line in content.splitlines(keepends=True) if name.endswith(".jsonl") else [content]:
            yield self._load(line, name), offset, len(line)
            offset += len(line)

    def _load(self, content: bytes, name: str) -> dict[str, Any]:
        try:
            value = orjson.loads(content)
        except orjson.JSONDecodeError as error:
            raise PackageError(f"{self.info.path}: {name} is not JSON ({error}).") from error
        if not isinstance(value, dict):
            raise PackageError(f"{self.info.path}: {name} does not hold a JSON object.")
        return value

    def read(self, row: IndexRow) -> dict[str, Any]:
        """Return the resource of ``row``, parsed anew."""
        resource = self._load(self._content.read(row.file, row.offset, row.length), row.file)
        shared = self._index[1]
        return restore(resource, shared) if shared else resource

    def resources(self) -> Iterator[dict[str, Any]]:
        """Yield every conformance resource, in the order of the index."""
        for row in self.rows:
            yield self.read(row)

    def examples(self) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield (file name, resource) of the examples under ``example/``."""
        for name, content in self._content.under("example"):
            yield name, self._load(content, name)


def _committed_index(content: _Content, sizes: Mapping[str, int]) -> tuple[tuple[IndexRow, ...], Constraints] | None:
    """Return the package's own index in our form, or None when there is none or it does not fit the files' sizes."""
    if not (content.root / INDEX_NAME).is_file():
        return None
    try:
        index = orjson.loads(content.read(INDEX_NAME))
    except orjson.JSONDecodeError:
        return None
    if not isinstance(index, dict) or index.get("index-version") != _INDEX_VERSION:
        return None
    if index["sizes"] != {name: size for name, size in sizes.items() if name != "package.json"}:
        return None
    return tuple(map(IndexRow._make, index["rows"])), index["shared"]


def index_bytes(rows: Iterable[IndexRow], shared: Constraints) -> bytes:
    """Return the content of ``.index.json`` for ``rows``: deterministic, one row a line.

    ``shared`` holds the constraints that elements in the short form (harness.fhir.compact) name by their key.
    """
    ordered = sorted(rows, key=lambda r: (r.file, r.offset))
    sizes: dict[str, int] = {}
    for row in ordered:
        sizes[row.file] = max(sizes.get(row.file, 0), row.offset + row.length)
    lines = b",\n".join(orjson.dumps(list(row)) for row in ordered)
    head = orjson.dumps(
        {"index-version": _INDEX_VERSION, "columns": IndexRow._fields, "sizes": sizes, "shared": shared}
    )
    return head[:-1] + b',"rows":[\n' + lines + b"\n]}\n"


def open_package(ref: str | Path, *, official: bool = True, limits: Limits = DEFAULT_LIMITS) -> Package:
    """Open the package ``ref``: a folder, a .tgz, or ``id@version`` / ``id#version`` in ``~/.fhir/packages``.

    Raises PackageError when it is absent, not a FHIR R4 package, unsafe or beyond ``limits``.
    """
    path = _locate(ref)
    if path.is_dir():
        root = path / "package" if (path / "package" / "package.json").is_file() else path
        content = _Content(root)
    else:
        members = read_archive(path, limits)
        content = _Content(
            path, {n.removeprefix("package/"): b for n, b in members.items() if n.startswith("package/")}
        )
    if "package.json" not in content.sizes():
        raise PackageError(f"{path}: not a FHIR package, it has no package.json.")
    return Package(_info(path, content, official), content)


def _locate(ref: str | Path) -> Path:
    path = Path(ref).expanduser()
    if path.exists():
        return path
    name, separator, version = str(ref).replace("#", "@", 1).partition("@")
    if separator and not {"/", "\\"} & set(str(ref)):
        cached = Path.home() / ".fhir" / "packages" / f"{name}#{version}"
        if cached.is_dir():
            return cached
        raise PackageError(f"{ref}: not in the package cache {cached.parent}; give the folder or the .tgz instead.")
    raise PackageError(f"{ref}: no such folder or file.")


def _info(path: Path, content: _Content, official: bool) -> PackageInfo:
    try:
        manifest = orjson.loads(content.read("package.json"))
        name, version = manifest["name"], manifest["version"]
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise PackageError(f"{path}: its package.json has no name and version, or is not JSON.") from error
    listed = manifest.get("fhirVersions") or manifest.get("fhir-version-list") or []
    versions = tuple(str(v) for v in listed)
    if versions and not any(v.startswith(_FHIR) for v in versions):
        raise PackageError(
            f"{path}: {name} {version} is for FHIR {', '.join(versions)}; only R4 (4.0.x) can be judged."
        )
    dependencies = manifest.get("dependencies") or {}
    return PackageInfo(str(name), str(version), path, versions, dict(dependencies), official, content)


def write_index(folder: Path) -> bool:
    """Write ``.index.json`` of the pack in ``folder``; return whether that changed it. Raises PackageError."""
    package = open_package(folder)
    content = index_bytes(package.scan(), {})
    target = package.root / INDEX_NAME
    if target.is_file() and target.read_bytes() == content:
        return False
    target.write_bytes(content)
    return True


def main(arguments: list[str]) -> int:
    """Run ``index DIR...``; the exit code is 2 for wrong usage or a pack that cannot be read."""
    if len(arguments) < 2 or arguments[0] != "index":
        sys.stderr.write("usage: python -m harness.fhir.packages index DIR...\n")
        return 2
    try:
        for name in arguments[1:]:
            sys.stdout.write(f"{name}: {'written' if write_index(Path(name)) else 'current'}\n")
    except PackageError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
