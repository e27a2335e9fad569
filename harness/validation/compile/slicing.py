"""The facet slicing: from discriminators to matchers (FHIR R4 profiling §5.1.0.14)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from harness.errors import DefinitionError
from harness.reason import Reason, told
from harness.validation.assertions.matchers import (
    AtPosition,
    Conforms,
    Equals,
    Every,
    Exists,
    HasType,
    InSomeValueSet,
    InValueSet,
    Satisfies,
    Step,
    Unknown,
    parse_path,
)
from harness.validation.assertions.slicing import Matcher, Slice, Slicing
from harness.validation.compile.contract import Compiling
from harness.validation.compile.tree import Node, type_code
from harness.validation.compile.values import choice_value
from harness.validation.schema import ElementSchema, Origin

_DEPTH = 4
_ABSTRACT = frozenset({"Resource", "DomainResource", "Element", "BackboneElement"})
_URL: tuple[Step, ...] = (("child", "url"),)


def build(
    node: Node, code: str, compiler: Compiling, contexts: frozenset[str], parts: list[Node] | None = None
) -> Slicing:
    """The slicing of ``node`` for its type ``code``; ``parts`` are the slices to use, by default all of them.

    ``contexts`` are the names of the parent, for extensions.
    """
    entry = node.element.get("slicing") or {}
    discriminators = [(str(d.get("type")), str(d.get("path", "$this"))) for d in entry.get("discriminator") or ()]
    slices = []
    for index, part in enumerate(node.slices if parts is None else parts):
        whole = part.as_slice_of(node)
        schema = _lazily(whole, code, compiler, contexts)
        matcher = _matcher(whole, node, discriminators, schema, index=index, compiler=compiler)
        inner = build(whole, code, compiler, contexts) if part.slices else None
        origin = Origin(part.profile, part.id)
        marked = part.element.get("mustSupport") is True
        slices.append(Slice(part.slice_name or part.id, origin, part.min, part.max, matcher, schema, inner, marked))
    return Slicing(
        Origin(node.profile, node.id), str(entry.get("rules", "open")), bool(entry.get("ordered")), tuple(slices)
    )


def _lazily(node: Node, code: str, compiler: Compiling, contexts: frozenset[str]) -> Callable[[], ElementSchema]:
    made: list[ElementSchema] = []

    def schema() -> ElementSchema:
        if not made:
            made.append(compiler.element(node, code, contexts))
        return made[0]

    return schema


def _matcher(
    part: Node,
    sliced: Node,
    discriminators: list[tuple[str, str]],
    schema: Callable[[], ElementSchema],
    *,
    index: int,
    compiler: Compiling,
) -> Matcher:
    if not discriminators:
        return Satisfies(schema)
    matchers: list[Any] = []
    for kind, path in discriminators:
        try:
            steps = parse_path(path)
        except DefinitionError as error:
            return Unknown(told(error))
        if kind == "position":
            matchers.append(AtPosition(index))
            continue
        found = list(_discriminate(kind, steps, part, compiler))
        matchers.extend(found)  # a slice may leave some of the discriminators open
    if not matchers:
        for kind, path in discriminators:
            if kind in ("value", "pattern"):
                matchers.extend(_intended(parse_path(path), part, sliced, compiler))
    if not matchers:
        listed = ", ".join(f"{kind}:{path}" for kind, path in discriminators)
        return Unknown(Reason(f"the slice says nothing about {listed}", f"la tranche ne dit rien de {listed}"))
    return matchers[0] if len(matchers) == 1 else Every(tuple(matchers))


def _discriminate(kind: str, steps: tuple[Step, ...], part: Node, compiler: Compiling) -> Iterator[Matcher]:
    nodes = navigate(part, steps, compiler)
    if kind == "exists":
        low = any(node.min > 0 for node in nodes)
        high = any(node.max == 0 for node in nodes)
        if low or high:
            yield Exists(steps, low)
    elif kind == "type":
        types = _types(steps, part, nodes)
        if not steps and part.above is not None and _always(part.above, types):
            yield Every(())
        elif types:
            yield HasType(steps, types)
    elif kind == "profile":
        profiles = _profiles(steps, part, nodes, compiler)
        if profiles:
            yield Conforms(steps, profiles)
    elif steps == _URL and (urls := _urls(part)):
        yield from (Equals(steps, url, exact=True) for url in urls[:1])
    elif (above := _said_above(steps, part, compiler)) is not None:
        yield above
    else:
        for node in nodes:
            yield from [Exists(steps, False)] if node.max == 0 else _values(steps, node, compiler, _DEPTH)


def _intended(steps: tuple[Step, ...], part: Node, sliced: Node, compiler: Compiling) -> Iterator[Matcher]:
    """What tells the slice apart where nothing does that R4 names: an extensible binding, or the bindings of the
    slices that a closed slicing at ``steps`` allows. What the ``sliced`` element says of all slices is no help.
    """
    common = {(node.element.get("binding") or {}).get("valueSet") for node in navigate(sliced, steps, compiler)}
    for node in navigate(part, steps, compiler):
        binding = node.element.get("binding") or {}
        if binding.get("strength") == "extensible" and binding.get("valueSet") not in {None, *common}:
            yield InValueSet(steps, binding["valueSet"])
        elif node.slices and (node.element.get("slicing") or {}).get("rules") == "closed":
            bindings = [inner.element.get("binding") or {} for inner in node.slices]
            value_sets = [b["valueSet"] for b in bindings if b.get("strength") == "required" and b.get("valueSet")]
            if len(value_sets) == len(bindings):
                yield InSomeValueSet(steps, tuple(value_sets))


def _urls(part: Node) -> list[str]:
    """The urls of the extensions that the slice is for, which need not be known."""
    return [str(p).partition("|")[0] for entry in part.types for p in entry.get("profile") or ()]


def _said_above(steps: tuple[Step, ...], part: Node, compiler: Compiling) -> Matcher | None:
    """A fixed value or pattern on an element above the discriminator's, which says the value at it too."""
    for depth in range(len(steps)):
        for node in navigate(part, steps[:depth], compiler):
            for stem in ("fixed", "pattern"):
                inside = choice_value(node, stem)
                for kind, name in steps[depth:]:
                    inside = inside[0] if isinstance(inside, list) and len(inside) == 1 else inside
                    inside = inside.get(name) if kind == "child" and isinstance(inside, dict) else None
                if inside is not None:
                    inside = inside[0] if isinstance(inside, list) and len(inside) == 1 else inside
                    return Equals(steps, inside, exact=stem == "fixed")
    return None


def _values(steps: tuple[Step, ...], node: Node, compiler: Compiling, depth: int) -> Iterator[Matcher]:
    """What ``node`` says about the value at ``steps``: fixed, pattern, required binding, or its children say so."""
    fixed, pattern = choice_value(node, "fixed"), choice_value(node, "pattern")
    if fixed is not None:
        yield Equals(steps, fixed, exact=True)
        return
    if pattern is not None:
        yield Equals(steps, pattern, exact=False)
        return
    inner = [
        matcher
        for child in node.children.values()
        if depth > 0
        for branch in (child, *(s for s in child.slices if s.min > 0))
        for matcher in _values((*steps, ("child", child.name.removesuffix("[x]"))), branch, compiler, depth - 1)
        if not isinstance(matcher, InValueSet)
    ]
    yield from inner
    binding = node.element.get("binding") or {}
    if binding.get("strength") == "required" and binding.get("valueSet"):
        yield InValueSet(steps, binding["valueSet"])


def navigate(node: Node, steps: tuple[Step, ...], compiler: Compiling) -> list[Node]:
    """The element definitions that ``steps`` lead to: through the slice, then its type's profiles, then its types."""
    nodes = [node]
    for kind, argument in steps:
        found: list[Node] = []
        for current in nodes:
            found.extend(_step(current, kind, argument, compiler))
        nodes = found
    return nodes


def _step(node: Node, kind: str, argument: str, compiler: Compiling) -> list[Node]:
    if kind == "resolve":
        targets = [p for entry in node.types for p in entry.get("targetProfile") or ()]
        return [tree for target in targets if (tree := compiler.tree(target)) is not None]
    if kind == "ofType":
        fitting = [s for s in node.slices if argument in s.type_codes]
        return fitting or [node]
    if kind == "extension":
        return [
            e
            for extension in _children(node, "extension", compiler)
            for e in _extension_slices(extension, argument, compiler)
        ]
    children = _children(node, argument, compiler)
    return [branch for child in children for branch in (*(s for s in child.slices if s.min > 0), child)]


def _children(node: Node, name: str, compiler: Compiling) -> list[Node]:
    for child in (node.children.get(name), node.children.get(name + "[x]")):
        if child is not None:
            return [child]
    found: list[Node] = []
    for entry in node.types:
        for canonical in entry.get("profile") or ():
            tree = compiler.tree(canonical)
            if tree is not None:
                found.extend(_children(tree, name, compiler))
        tree = compiler.type_tree(type_code(entry)) if not found else None
        if tree is not None and tree is not node and tree.children:
            found.extend(c for key in (name, name + "[x]") if (c := tree.children.get(key)) is not None)
    return found


def _extension_slices(extension: Node, url: str, compiler: Compiling) -> list[Node]:
    found = []
    for part in extension.slices:
        urls = [canonical.partition("|")[0] for entry in part.types for canonical in entry.get("profile") or ()]
        own = part.children.get("url")
        fixed = choice_value(own, "fixed") if own is not None else None
        if url in urls or fixed == url:
            found.append(part)
    if not found and (tree := compiler.tree(url)) is not None:
        found.append(tree)
    return found


def _always(sliced: Node, types: frozenset[str]) -> bool:
    """Whether every item of ``sliced`` is of one of ``types``: it has no choice, in the instance nothing tells."""
    return bool(types) and not sliced.name.endswith("[x]") and types.issuperset(sliced.type_codes)


def _types(steps: tuple[Step, ...], part: Node, nodes: list[Node]) -> frozenset[str]:
    if steps and steps[-1][0] == "resolve":
        return frozenset(tree.path for tree in nodes)
    return frozenset(code for node in (nodes if steps else [part]) for code in node.type_codes)


def _profiles(steps: tuple[Step, ...], part: Node, nodes: list[Node], compiler: Compiling) -> tuple[str, ...]:
    if steps and steps[-1][0] == "resolve":
        references = navigate(part, steps[:-1], compiler) if steps[:-1] else [part]
        return tuple(p for node in references for entry in node.types for p in entry.get("targetProfile") or ())
    entries = [entry for node in (nodes if steps else [part]) for entry in node.types]
    return tuple(p for entry in entries for p in entry.get("profile") or _type_itself(entry, compiler))


def _type_itself(entry: Mapping[str, Any], compiler: Compiling) -> Iterator[str]:
    """The definition of the type, which is what a type without a profile asks for; nothing of an abstract one."""
    code = type_code(entry)
    tree = None if code in _ABSTRACT else compiler.type_tree(code)
    if tree is not None:
        yield tree.profile
