"""Makes small profiles for tests."""

from typing import Any

from harness import Definitions, Validator

BASE = "https://example.test/StructureDefinition/"


def profile(name: str, of: str, *elements: dict[str, Any]) -> dict[str, Any]:
    """A profile on the type ``of`` with these elements in its differential; ids follow from path and slice name."""
    return {
        "resourceType": "StructureDefinition",
        "id": name,
        "url": BASE + name,
        "name": name,
        "status": "draft",
        "kind": "complex-type" if of == "Extension" else "resource",
        "abstract": False,
        "type": of,
        "baseDefinition": f"http://hl7.org/fhir/StructureDefinition/{of}",
        "derivation": "constraint",
        "differential": {"element": list(elements)},
    }


def element(identifier: str, **facets: Any) -> dict[str, Any]:
    """One element; the path is the id without slice names."""
    path = ".".join(part.partition(":")[0] for part in identifier.split("."))
    name = identifier.rpartition(".")[2].partition(":")[2]
    return {"id": identifier, "path": path, **({"sliceName": name} if name else {}), **facets}


def slicing(*discriminators: tuple[str, str], rules: str = "open", ordered: bool = False) -> dict[str, Any]:
    """An ElementDefinition.slicing."""
    listed = [{"type": kind, "path": path} for kind, path in discriminators]
    return {"discriminator": listed, "rules": rules, "ordered": ordered}


def errors(resource: dict[str, Any], *profiles: dict[str, Any]) -> list[tuple[str, str]]:
    """Rule and place of each error of ``resource`` by the first of ``profiles``; the others are at hand."""
    definitions = Definitions.embedded()
    for each in profiles:
        definitions.add(each)
    outcome = Validator(definitions).validate(resource, [profiles[0]["url"]])
    return [(issue.rule, issue.expression) for issue in outcome.issues if issue.severity in ("fatal", "error")]
