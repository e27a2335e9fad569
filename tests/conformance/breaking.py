"""Instances of a profile, made from good ones by breaking one thing, or nothing; hypothesis chooses what and how."""

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from hypothesis import strategies as st

from harness.fhir.definitions import Definitions
from harness.fhir.terminology import Terminology

Json = Any
Path = tuple[str | int, ...]
Values = Mapping[str, Sequence[Json]]
"""Key -> values that were seen under it somewhere: codes for codes, dates for dates."""

_SYSTEM = "http://hl7.org/fhirpath/System."
_SAMPLES: dict[str, Json] = {
    "boolean": True,
    "integer": 3,
    "positiveInt": 3,
    "unsignedInt": 3,
    "decimal": 7.5,
    "string": "texte",
    "markdown": "texte",
    "code": "final",
    "id": "abc",
    "uri": "urn:oid:1.2.3",
    "url": "https://example.test/a",
    "canonical": "https://example.test/c",
    "oid": "urn:oid:1.2.3",
    "uuid": "urn:uuid:c757873d-ec9a-4326-a141-556f43239520",
    "date": "2024-02-03",
    "dateTime": "2024-02-03T10:00:00+01:00",
    "instant": "2024-02-03T10:00:00.000+01:00",
    "time": "10:00:00",
    "base64Binary": "YWJj",
    "Coding": {"system": "https://example.test/s", "code": "a"},
    "CodeableConcept": {"coding": [{"system": "https://example.test/s", "code": "a"}]},
    "Quantity": {"value": 7, "unit": "kg", "system": "http://unitsofmeasure.org", "code": "kg"},
    "Identifier": {"system": "https://example.test/ids", "value": "12"},
    "Reference": {"reference": "Patient/1"},
    "Period": {"start": "2024-02-03", "end": "2024-02-04"},
    "HumanName": {"family": "TEST", "given": ["Ada"]},
    "Address": {"city": "Lyon", "postalCode": "69001"},
    "ContactPoint": {"system": "phone", "value": "+33123456789"},
    "Attachment": {"contentType": "text/plain", "data": "YWJj"},
    "Narrative": {"status": "generated", "div": '<div xmlns="http://www.w3.org/1999/xhtml">x</div>'},
    "Annotation": {"text": "note"},
    "Meta": {"lastUpdated": "2024-02-03T10:00:00Z"},
    "Extension": {"url": "https://example.test/e", "valueBoolean": True},
    "Range": {"low": {"value": 1}, "high": {"value": 2}},
    "Ratio": {"numerator": {"value": 1}, "denominator": {"value": 2}},
    "Timing": {"event": ["2024-02-03"]},
    "Money": {"value": 3, "currency": "EUR"},
    "Age": {"value": 3},
    "Signature": {"who": {"reference": "Patient/1"}},
    "BackboneElement": {},
    "Element": {},
}


class Breaking(NamedTuple):
    """What was done to a good instance, in words, and the instance."""

    what: str
    instance: Json


class Template:
    """Makes a small instance of a profile: what it demands, with the values that it fixes."""

    def __init__(self, definitions: Definitions, canonical: str) -> None:
        self._terminology = Terminology(definitions)
        self._elements = definitions.snapshot(canonical)
        self._below: dict[str, list[dict[str, Any]]] = {}
        for element in self._elements[1:]:
            self._below.setdefault(element["id"].rpartition(".")[0], []).append(element)

    def make(self) -> Json:
        """Return the instance; it may still break rules that its elements do not say, as invariants."""
        root = self._elements[0]
        instance = self._children(root["id"])
        return {"resourceType": root["path"], **instance} if _is_resource(self._elements) else instance

    def choices(self) -> Iterator[tuple[str, str, Json]]:
        """Yield (path of the parent without the root's name, JSON key, value) for all that the profile speaks of."""
        for element in self._elements[1:]:
            parent, _, name = element["path"].partition(".")[2].rpartition(".")
            for kind in element.get("type", ()):
                key, value = _key(name, kind["code"]), self._value(element, kind)
                if value is not None:
                    yield parent, key, [value] if _is_array(element) else value

    def _children(self, owner: str) -> dict[str, Json]:
        made: dict[str, Json] = {}
        for element in self._below.get(owner, ()):
            sliced = any(":" in e["id"].rpartition(".")[2] and e["id"].startswith(element["id"] + ":")
                         and e["min"] for e in self._below[owner])  # fmt: skip
            kinds = element.get("type", ())
            if not element.get("min") or sliced or not kinds or element.get("max") == "0":
                continue
            value = self._value(element, kinds[0])
            if value is None:
                continue
            key = _key(element["path"].rpartition(".")[2], kinds[0]["code"])
            if _is_array(element):
                made.setdefault(key, []).extend([copy.deepcopy(value) for _ in range(element["min"])])
            else:
                made[key] = value
        return made

    def _value(self, element: Mapping[str, Any], kind: Mapping[str, Any]) -> Json:
        fixed = next((v for k, v in element.items() if k.startswith("fixed")), None)
        if fixed is not None:
            return copy.deepcopy(fixed)
        pattern = next((v for k, v in element.items() if k.startswith("pattern")), {})
        code = kind["code"].removeprefix(_SYSTEM)
        sample = self._bound(element, code) or copy.deepcopy(_SAMPLES.get(_lower(code)))
        inside = self._children(element["id"])
        if isinstance(sample, dict):
            if code == "Extension" and kind.get("profile"):
                return {"url": kind["profile"][0].partition("|")[0], "valueBoolean": True}
            if code == "Reference":
                target = next(iter(kind.get("targetProfile", ())), "Patient").rpartition("/")[2]
                sample = {"reference": f"{target if target.isalpha() else 'Patient'}/1"}
            return {**({} if inside or pattern else sample), **inside, **copy.deepcopy(pattern)} or None
        return pattern or sample

    def _bound(self, element: Mapping[str, Any], code: str) -> Json:
        value_set = element.get("binding", {}).get("valueSet")
        codes = self._terminology.codes(value_set) if value_set else None
        if not codes or code not in ("code", "Coding", "CodeableConcept"):
            return None
        if code == "code":
            return codes[0].code
        coding = {"system": codes[0].system, "code": codes[0].code}
        return coding if code == "Coding" else {"coding": [coding]}


def _lower(code: str) -> str:
    return {"String": "string", "Boolean": "boolean", "Date": "date", "DateTime": "dateTime", "Integer": "integer",
            "Decimal": "decimal", "Time": "time"}.get(code, code)  # fmt: skip


def _is_resource(elements: Sequence[Mapping[str, Any]]) -> bool:
    return any(e["path"].count(".") == 1 and e["path"].endswith((".implicitRules", ".meta")) for e in elements[:8])


def _is_array(element: Mapping[str, Any]) -> bool:
    return (element.get("base", {}).get("max") or element.get("max")) not in ("0", "1")


def _key(name: str, code: str) -> str:
    stem = name.removesuffix("[x]")
    return name if stem == name else stem + code[0].upper() + code[1:]


def nodes(value: Json, path: Path = ()) -> Iterator[tuple[Path, Json]]:
    """Yield every node in ``value`` with its path, the root first."""
    yield path, value
    if isinstance(value, dict):
        for key, child in value.items():
            yield from nodes(child, (*path, key))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from nodes(child, (*path, index))


def values_by_key(resources: Sequence[Json]) -> dict[str, list[Json]]:
    """Return the primitive values that stand under each key of ``resources``, each once."""
    found: dict[str, dict[str, Json]] = {}
    for resource in resources:
        for path, value in nodes(resource):
            if not isinstance(value, dict | list):
                key = next((p for p in reversed(path) if isinstance(p, str)), "")
                found.setdefault(key, {})[repr(value)] = value
    return {key: list(seen.values()) for key, seen in found.items()}


def _parent(instance: Json, path: Path) -> Json:
    for step in path[:-1]:
        instance = instance[step]
    return instance


def breakings(
    seeds: Sequence[Json], values: Values, choices: Sequence[tuple[str, str, Json]]
) -> st.SearchStrategy[Breaking]:
    """Return a strategy of instances: a seed as it is, or with one thing removed, changed, doubled or added."""
    places = [[path for path, _ in nodes(seed) if path and path != ("resourceType",)] for seed in seeds]
    parents = [_parents(seed) for seed in seeds]

    @st.composite
    def strategy(draw: st.DrawFn) -> Breaking:
        number = draw(st.integers(0, len(seeds) - 1))
        instance = copy.deepcopy(seeds[number])
        how = draw(st.sampled_from(("nothing", "remove", "remove", "change", "change", "double", "add", "add")))
        if how == "nothing" or not places[number]:
            return Breaking("nothing", instance)
        if how == "add":
            fitting = [c for c in choices if c[0] in parents[number]]
            if not fitting:
                return Breaking("nothing", instance)
            parent, key, value = draw(st.sampled_from(fitting))
            _at(instance, draw(st.sampled_from(parents[number][parent])))[key] = copy.deepcopy(value)
            return Breaking(f"add {parent}.{key}", instance)
        path = draw(st.sampled_from(places[number]))
        done = _CHANGES[how](draw, instance, path, values)
        return Breaking(f"{done} {'.'.join(map(str, path))}", instance)

    return strategy()


def _at(instance: Json, path: Path) -> Json:
    for step in path:
        instance = instance[step]
    return instance


def _parents(seed: Json) -> dict[str, list[Path]]:
    found: dict[str, list[Path]] = {}
    for path, value in nodes(seed):
        if isinstance(value, dict):
            found.setdefault(".".join(p for p in path if isinstance(p, str)), []).append(path)
    return found


def _remove(draw: st.DrawFn, instance: Json, path: Path, values: Values) -> str:
    """Take a node away, and what would be left empty around it."""
    while path:
        holder = _parent(instance, path)
        del holder[path[-1]]
        if holder or len(path) == 1:
            break
        path = path[:-1]
    return "remove"


def _change(draw: st.DrawFn, instance: Json, path: Path, values: Values) -> str:
    """Give a primitive another value: one seen under the same key, or any text or number."""
    holder, old = _parent(instance, path), _at(instance, path)
    if isinstance(old, dict | list):
        return _remove(draw, instance, path, values)
    key = next((p for p in reversed(path) if isinstance(p, str)), "")
    seen = st.sampled_from(values[key]) if values.get(key) else st.nothing()
    other = st.text("abcABC09 :/.é-", min_size=1, max_size=8) if isinstance(old, str) else st.integers(-2, 400)
    holder[path[-1]] = draw(seen | other)
    return f"change to {holder[path[-1]]!r}"


def _double(draw: st.DrawFn, instance: Json, path: Path, values: Values) -> str:
    """Repeat an item of a list; elsewhere change the value."""
    holder = _parent(instance, path)
    if not isinstance(holder, list):
        return _change(draw, instance, path, values)
    holder.append(copy.deepcopy(holder[path[-1]]))  # type: ignore[index]
    return "double"


_CHANGES: dict[str, Callable[[st.DrawFn, Json, Path, Values], str]] = {
    "remove": _remove,
    "change": _change,
    "double": _double,
}
