"""Definitions: which StructureDefinition, ValueSet, CodeSystem or SearchParameter stands behind a canonical URL.

Layers are searched in this order: single resources that were added, official packages (the last added first), the
restated packs, the R4 core facts. What is returned is shared: it must not be changed.
"""

import copy
import threading
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from harness.data import folder
from harness.errors import DefinitionError, SnapshotError
from harness.fhir.packages import IndexRow, Package, PackageInfo, open_package
from harness.fhir.snapshot import generate

_TYPES = "http://hl7.org/fhir/StructureDefinition/"
_CORE = "hl7.fhir.r4.core"
Resource = dict[str, Any]
Snapshot = tuple[dict[str, Any], ...]


class _Layer:
    """One package with what was parsed of it; shared by all Definitions of the process and never changed."""

    def __init__(self, package: Package) -> None:
        self.package = package
        self.by_url: dict[str, list[IndexRow]] = {}
        for row in package.rows:
            if row.url:
                self.by_url.setdefault(row.url, []).append(row)
        self._parsed: dict[tuple[str, int], Resource] = {}

    def read(self, row: IndexRow) -> Resource:
        place = (row.file, row.offset)
        if place not in self._parsed:
            self._parsed[place] = self.package.read(row)
        return self._parsed[place]


class _Added:
    """Single resources, added one by one."""

    def __init__(self) -> None:
        self.by_url: dict[str, list[IndexRow]] = {}
        self._resources: list[Resource] = []

    def add(self, resource: Resource) -> None:
        row = IndexRow.of(resource, offset=len(self._resources))
        self._resources.append(resource)
        same = self.by_url.setdefault(row.url, [])
        same[:] = [row, *(r for r in same if r.version != row.version)]

    def read(self, row: IndexRow) -> Resource:
        return self._resources[row.offset]

    def copied(self) -> "_Added":
        twin = _Added()
        twin.by_url = {url: list(rows) for url, rows in self.by_url.items()}
        twin._resources = list(self._resources)
        return twin


@cache
def _embedded_layers(root: Path) -> tuple[_Layer, ...]:
    """The packs under ``root``, the R4 core last."""
    manifests = sorted(root.glob("*/package.json"), key=lambda p: (p.parent.name == _CORE, p.parent.name))
    if not any(m.parent.name == _CORE for m in manifests):
        raise DefinitionError(f"{root / _CORE}: the FHIR R4 core facts are missing; install the harness again.")
    return tuple(_Layer(open_package(m.parent, official=False)) for m in manifests)


_GENERATING = threading.RLock()
# Snapshots of the embedded packs that were asked for, by their folder: as immutable as the packs, so shared.
_EMBEDDED_SNAPSHOTS: dict[Path, dict[int, Snapshot]] = {}


class Definitions:
    """The FHIR definitions that judge. Reading is safe from several threads; adding is not.

    ``revision`` grows with every addition, so that who keeps something made from them knows when to drop it.
    ``version_mismatches`` holds (canonical asked for, version found) where only another version was known.
    """

    def __init__(self, layers: tuple[_Layer, ...], snapshots: dict[int, Snapshot] | None = None) -> None:
        self._layers = layers
        self._added = _Added()
        self._snapshots = {} if snapshots is None else snapshots
        self._search: dict[str, dict[str, Resource]] = {}
        self._names: dict[str, frozenset[str]] = {}
        self._picked: dict[tuple[str, str | None], tuple[_Layer | _Added, IndexRow] | None] = {}
        self._generating: list[str | None] = []
        self.revision = 0
        self.version_mismatches: set[tuple[str, str]] = set()

    @classmethod
    def embedded(cls) -> "Definitions":
        """Return the R4 core and the packs that come with the harness: milliseconds, no network."""
        root = folder("conformance")
        return cls(_embedded_layers(root), _EMBEDDED_SNAPSHOTS.setdefault(root, {}))

    def copy(self) -> "Definitions":
        """Return an independent set with the same content: adding to one does not change the other."""
        twin = copy.copy(self)
        twin._added = self._added.copied()
        twin._snapshots = dict(self._snapshots)
        twin._search = dict(self._search)
        twin._generating = []
        twin._names = dict(self._names)
        twin._picked = dict(self._picked)
        twin.version_mismatches = set(self.version_mismatches)
        return twin

    def add_package(self, ref: str | Path) -> PackageInfo:
        """Add an official package: a folder, a .tgz or ``id@version`` from the cache. Raises PackageError.

        It wins over the restated packs and the core for the canonical URLs that it defines.
        """
        layer = _Layer(open_package(ref))
        self._layers = (layer, *self._layers)
        self._changed()
        return layer.package.info

    def add(self, resource: Mapping[str, Any]) -> None:
        """Add a single conformance resource; it wins over every package. DefinitionError if it has no ``url``."""
        url, kind = resource.get("url"), resource.get("resourceType")
        if not isinstance(url, str) or not isinstance(kind, str):
            raise DefinitionError(f"{kind or 'resource'} {resource.get('id', '')}: no url, so nothing can refer to it.")
        self._added.add(copy.deepcopy(dict(resource)))
        self._changed()

    def _changed(self) -> None:
        self.revision += 1
        self._snapshots = {}
        self._search = {}
        self._names = {}
        self._picked = {}
        self.version_mismatches = set()

    @property
    def packages(self) -> tuple[PackageInfo, ...]:
        """The packages that judge, the strongest first."""
        return tuple(layer.package.info for layer in self._layers)

    def _sources(self) -> tuple[_Layer | _Added, ...]:
        return (self._added, *self._layers)

    def _rows(self, url: str, kind: str | None) -> Iterator[tuple[_Layer | _Added, IndexRow]]:
        for layer in self._sources():
            rows = [r for r in layer.by_url.get(url, ()) if kind is None or r.resource_type == kind]
            for row in sorted(rows, key=lambda r: _version_key(r.version), reverse=True) if len(rows) > 1 else rows:
                yield layer, row

    def _pick(self, canonical: str, kind: str | None) -> tuple[_Layer | _Added, IndexRow] | None:
        asked = (canonical, kind)
        if asked not in self._picked:
            self._picked[asked] = self._choose(canonical, kind)
        return self._picked[asked]

    def _choose(self, canonical: str, kind: str | None) -> tuple[_Layer | _Added, IndexRow] | None:
        """Return the strongest definition: the version that is asked for, else the first with that URL.

        Guides pin versions of one another that are never installed together, so another version is better than none;
        every such answer is noted in ``version_mismatches``.
        """
        for found in self._rows(canonical, kind):  # a few code systems of HL7 v2 have "|version" in their very URL
            return found
        url, _, version = canonical.partition("#")[0].partition("|")
        best: tuple[_Layer | _Added, IndexRow] | None = None
        for found in self._rows(url, kind):
            if not version or found[1].version == version:
                return found
            best = best or found
        if best:
            self.version_mismatches.add((canonical, best[1].version))
        return best

    def find(self, canonical: str, kind: str | None = None) -> Resource | None:
        """Return the definition of ``canonical`` ("url" or "url|version"), of the resource type ``kind`` if given.

        An exact version wins; without one, or where only another is known, the strongest layer's highest version.
        """
        found = self._pick(canonical, kind)
        return found[0].read(found[1]) if found else None

    def origin(self, canonical: str) -> PackageInfo | None:
        """Return the package that ``find`` takes ``canonical`` from; None if unknown or added singly."""
        found = self._pick(canonical, None)
        return found[0].package.info if found and isinstance(found[0], _Layer) else None

    def structure(self, canonical: str) -> Resource | None:
        """Return the StructureDefinition of ``canonical``."""
        return self.find(canonical, "StructureDefinition")

    def value_set(self, canonical: str) -> Resource | None:
        """Return the ValueSet of ``canonical``."""
        return self.find(canonical, "ValueSet")

    def code_system(self, canonical: str) -> Resource | None:
        """Return the CodeSystem of ``canonical``."""
        return self.find(canonical, "CodeSystem")

    def search_parameter(self, canonical: str) -> Resource | None:
        """Return the SearchParameter of ``canonical``."""
        return self.find(canonical, "SearchParameter")

    def supplements(self, system: str) -> list[Resource]:
        """Return the CodeSystems that add to the code system ``system`` (content ``supplement``)."""
        return [
            layer.read(row)
            for layer, row in self._each("CodeSystem")
            if row.kind == "supplement" and row.type.partition("|")[0] == system
        ]

    def canonicals(self, kind: str) -> list[str]:
        """Return the URLs of all definitions of the resource type ``kind``, sorted."""
        return sorted({row.url for _, row in self._each(kind)})

    def _each(self, kind: str) -> Iterator[tuple[_Layer | _Added, IndexRow]]:
        for layer in self._sources():
            for rows in layer.by_url.values():
                for row in rows:
                    if row.resource_type == kind:
                        yield layer, row

    def search_parameters(self, resource_type: str) -> dict[str, Resource]:
        """Return code -> SearchParameter for ``resource_type``, with those of all resources."""
        if not self._search:
            tables: dict[str, dict[str, Resource]] = {}
            for layer, row in self._each("SearchParameter"):
                parameter = layer.read(row)
                for base in parameter.get("base", ()):
                    tables.setdefault(base, {}).setdefault(parameter.get("code", ""), parameter)
            self._search = tables
        general = {**self._search.get("Resource", {}), **self._search.get("DomainResource", {})}
        return {**general, **self._search.get(resource_type, {})}

    def type_definition(self, name: str) -> Resource | None:
        """Return the StructureDefinition of the type ``name``: "Observation", "HumanName", "string"."""
        return self.structure(name if ":" in name else _TYPES + name)

    def _types(self, kind: str) -> frozenset[str]:
        if kind not in self._names:
            self._names[kind] = frozenset(
                row.type
                for _, row in self._each("StructureDefinition")
                if row.kind == kind and row.derivation == "specialization" and not row.abstract
            )
        return self._names[kind]

    @property
    def resource_types(self) -> frozenset[str]:
        """The names of the resource types that an instance can have."""
        return self._types("resource")

    @property
    def primitive_types(self) -> frozenset[str]:
        """The names of the primitive types."""
        return self._types("primitive-type")

    @property
    def complex_types(self) -> frozenset[str]:
        """The names of the complex data types that are not abstract."""
        return self._types("complex-type")

    def snapshot(self, canonical: str) -> Snapshot:
        """Return the ElementDefinitions of the StructureDefinition ``canonical``, generated where it publishes none.

        Raises DefinitionError when it is unknown, SnapshotError when its differential does not fit its base.
        """
        structure = self.structure(canonical)
        if structure is None:
            raise DefinitionError(
                f"{canonical}: this StructureDefinition is not known; add the package that defines it.",
                f"{canonical} : cette StructureDefinition n'est pas connue ; ajouter le paquet qui la définit.",
            )
        key = id(structure)
        if key not in self._snapshots:
            self._snapshots[key] = self._snapshot_of(structure)
        return self._snapshots[key]

    def _snapshot_of(self, structure: Resource) -> Snapshot:
        published = structure.get("snapshot", {}).get("element")
        if published:
            return tuple(published)
        with _GENERATING:
            url = structure.get("url")
            if url in self._generating:
                through = ", ".join(map(str, self._generating))
                raise SnapshotError(
                    f"{url}: is its own base, through {through}.",
                    f"{url} : est sa propre base, en passant par {through}.",
                )
            self._generating.append(url)
            try:
                return tuple(generate(structure, self))
            finally:
                self._generating.pop()


def _version_key(version: str) -> tuple[tuple[int, int | str], ...]:
    """Order versions by their numbers; a label (``-ballot``) stands before the release without one."""
    core, _, label = version.partition("-")
    numbers = tuple((1, int(p)) if p.isascii() and p.isdigit() else (0, p) for p in core.split("."))
    return (*numbers, (0, label) if label else (1, 0))
