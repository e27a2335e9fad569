"""Resources made from the definitions of their types: random elements, plausible values, codes from the value sets."""

import base64
import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from harness.validation.compile.tree import Node
from harness.validation.judge import Judge

SAMPLES: dict[str, list[Any]] = {
    "boolean": [True, False],
    "integer": [0, 7, -3],
    "positiveInt": [1, 12],
    "unsignedInt": [0, 4],
    "decimal": [1.5, 0.25, 12],
    "string": ["some text", "Élan"],
    "markdown": ["plain *markdown*"],
    "code": ["en"],
    "id": ["abc-1", "x.y"],
    "uri": ["http://acme.com/x", "urn:oid:1.2.250.1.213"],
    "url": ["http://acme.com/fhir"],
    "canonical": ["http://acme.com/fhir/Thing/1", "http://acme.com/fhir/Thing/1|2.0"],
    "oid": ["urn:oid:1.2.250.1"],
    "uuid": ["urn:uuid:53fefa32-fcbb-4ff8-8a92-55ee120877b7"],
    "time": ["10:20:30"],
    "date": ["2019", "2019-03", "2019-03-04"],
    "dateTime": ["2019-03-04T10:20:30+01:00", "2020", "2018-05-06"],
    "instant": ["2019-03-04T10:20:30.123Z"],
    "base64Binary": [base64.b64encode(b"some bytes").decode()],
    "xhtml": ['<div xmlns="http://www.w3.org/1999/xhtml"><p>Some <b>text</b></p></div>'],
}
_SKIPPED = frozenset({"extension", "modifierExtension", "contained", "id", "implicitRules", "meta", "language"})


@dataclass(frozen=True, slots=True)
class Place:
    """One element of a resource: ``holder[key]`` is its value, ``node`` and ``code`` say what it should be."""

    holder: Any
    key: Any
    node: Node
    code: str
    parent: Any
    name: str

    @property
    def value(self) -> Any:
        """The value of the element."""
        return self.holder[self.key]


class Shapes:
    """What the definitions say about the elements of types."""

    def __init__(self, judge: Judge) -> None:
        self.judge = judge
        self.compiler = judge.compiler

    def children(self, node: Node, code: str) -> Mapping[str, Node]:
        """The child elements of ``node`` whose type is ``code``."""
        if node.children:
            return node.children
        target = self.compiler.referenced(node)
        if target is not None:
            return target.children
        tree = self.compiler.type_tree(code)
        return tree.children if tree is not None else {}

    def codes(self, node: Node) -> list[str]:
        """The types of ``node``."""
        return ["BackboneElement"] if node.element.get("contentReference") else node.type_codes or ["Element"]

    def find(self, children: Mapping[str, Node], key: str) -> tuple[Node, str] | None:
        """The element behind the JSON ``key``, and its type."""
        if key in children:
            return children[key], self.codes(children[key])[0]
        for name, child in children.items():
            if name.endswith("[x]") and key.startswith(name[:-3]):
                for code in child.type_codes:
                    if key == name[:-3] + code[:1].upper() + code[1:]:
                        return child, code
        return None

    def places(self, value: dict[str, Any], node: Node | None = None, code: str | None = None) -> Iterator[Place]:
        """Every known element below ``value``."""
        if isinstance(value.get("resourceType"), str):
            code = value["resourceType"]
            node = self.compiler.type_tree(str(code)) if code in self.judge.resource_types else None
        if node is None or code is None:
            return
        children = self.children(node, code)
        for key, item in list(value.items()):
            found = self.find(children, key.removeprefix("_"))
            if found is None:
                continue
            for holder, index in [(item, i) for i in range(len(item))] if isinstance(item, list) else [(value, key)]:
                yield Place(holder, index, found[0], found[1], value, key)
                if isinstance(holder[index], dict):
                    yield from self.places(holder[index], *found)

    # ---- making

    def make(self, name: str, rng: random.Random, likely: float) -> dict[str, Any]:
        """A resource of the type ``name``; each optional element is there with the probability ``likely``."""
        tree = self.compiler.type_tree(name)
        assert tree is not None
        return {"resourceType": name, "id": "made", **self._object(tree, name, rng, likely, 0)}

    def _object(self, node: Node, code: str, rng: random.Random, likely: float, depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, child in self.children(node, code).items():
            if name in _SKIPPED or (child.min == 0 and (depth > 4 or rng.random() > likely / (depth + 1) ** 0.5)):
                continue
            kind = rng.choice(self.codes(child))
            key = name[:-3] + kind[:1].upper() + kind[1:] if name.endswith("[x]") else name
            most = str((child.element.get("base") or {}).get("max") or child.element.get("max") or "1")
            values = [self.value(child, kind, rng, likely, depth + 1) for _ in range(rng.choice([1, 1, 2]))]
            values = [value for value in values if value not in (None, {})]
            if values:
                made[key] = values if most not in ("0", "1") else values[0]
        return made

    def value(self, node: Node, code: str, rng: random.Random, likely: float, depth: int) -> Any:
        """A plausible value of the element ``node``."""
        if code in SAMPLES:
            return self._code(node, rng) or rng.choice(SAMPLES[code])
        if code in ("Resource", "DomainResource"):
            return {"resourceType": "Patient", "id": "inner", "active": True}
        if code == "Reference":
            targets = [p for entry in node.types for p in entry.get("targetProfile") or ()]
            kind = rng.choice(targets).rpartition("/")[2] if targets else "Patient"
            return {"reference": f"{'Patient' if kind == 'Resource' else kind}/1"}
        if code in ("CodeableConcept", "Coding") and (coding := self._coding(node, rng)):
            return {"coding": [coding]} if code == "CodeableConcept" else coding
        made = self._object(node, code, rng, likely, depth)
        if not made and code not in ("BackboneElement", "Element"):
            made = self._object(node, code, rng, 0.9, 4)
        return made

    def _listed(self, node: Node) -> list[Any]:
        binding = node.element.get("binding") or {}
        if binding.get("strength") not in ("required", "extensible", "preferred") or not binding.get("valueSet"):
            return []
        return self.judge.terminology.codes(binding["valueSet"]) or []

    def _code(self, node: Node, rng: random.Random) -> str | None:
        listed = self._listed(node)
        return str(rng.choice(listed).code) if listed else None

    def _coding(self, node: Node, rng: random.Random) -> dict[str, Any] | None:
        listed = self._listed(node)
        if not listed:
            return None
        chosen = rng.choice(listed)
        return {"system": chosen.system, "code": chosen.code}
