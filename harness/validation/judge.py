"""Judge: what assertions ask while they check: schemas, value sets, code systems, types; kept for all validations."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from harness.errors import DefinitionError
from harness.fhir.code_systems import CodeTable
from harness.fhir.definitions import Definitions
from harness.fhir.fhirpath import Environment
from harness.fhir.terminology import Terminology, Verdict, plain
from harness.reason import Reason, told
from harness.validation.assertions.binding import concepts
from harness.validation.assertions.reference import target_type
from harness.validation.compile.compiler import Compiler
from harness.validation.compile.corrections import FURTHER_CODES, FURTHER_CONTEXTS
from harness.validation.compile.extensions import parts_of
from harness.validation.contexts import belongs, for_r4, inside, selected
from harness.validation.knowledge import Answer, ExtensionDefinition
from harness.validation.location import Location
from harness.validation.resources import element_path, nested, walk
from harness.validation.schema import ElementSchema
from harness.validation.scope import Scope
from harness.validation.slots import ResourceSlot
from harness.validation.trial import conforms

_TYPES = "http://hl7.org/fhir/StructureDefinition/"
_IMPOSE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-imposeProfile"
_ANY = frozenset({"Resource", "DomainResource"})
_REMEMBERED = 20_000
_LONGEST_WORD = 200
"""Characters."""
_VERDICTS = {Verdict.IN: True, Verdict.NOT_IN: False, Verdict.UNDECIDED: None}


class Judge:
    """Answers for one set of definitions at one revision. Reading is safe from several threads."""

    def __init__(self, definitions: Definitions, terminology: Terminology) -> None:
        self.definitions = definitions
        self.terminology = terminology
        self.compiler = Compiler(definitions)
        self.resource_types = definitions.resource_types
        self._members: dict[tuple[str, str | None, str | None], Answer] = {}
        self._systems: dict[str, dict[str, dict[str, str]] | None] = {}
        self.retired: dict[str, frozenset[str]] = {}
        """Code system -> its codes that are not for use any more, once :meth:`code_system` was asked for it."""
        self._extensions: dict[str, ExtensionDefinition | None] = {}
        self._target_types: dict[str, str] = {}
        self._ancestors: dict[str, frozenset[str]] = {}
        self._broken: dict[str, str] = {}
        self._globals: dict[str, tuple[str, ...]] | None = None
        self._schemas: dict[str, ElementSchema | None] = {}
        self._imposed: dict[str, tuple[str, ...]] = {}

    # ---- schemas

    def schema(self, canonical: str) -> ElementSchema | None:
        """The schema of ``canonical``; None when it is not known, in its version, or not usable (:meth:`problem`)."""
        if canonical not in self._schemas:
            try:
                known = self._other_version(canonical) is None
                self._schemas[canonical] = self.compiler.profile(canonical) if known else None
            except (DefinitionError, ValueError) as error:
                self._broken[canonical] = told(error)
                self._schemas[canonical] = None
        return self._schemas[canonical]

    def global_profiles(self, name: str) -> tuple[str, ...]:
        """The profiles that the implementation guides at hand ask of every resource of the type ``name``."""
        if self._globals is None:
            found: dict[str, list[str]] = {}
            for canonical in self.definitions.canonicals("ImplementationGuide"):
                guide = self.definitions.find(canonical, "ImplementationGuide") or {}
                for entry in guide.get("global") or ():
                    found.setdefault(str(entry.get("type")), []).append(str(entry.get("profile")))
            self._globals = {kind: tuple(profiles) for kind, profiles in found.items()}
        return self._globals.get(name, ())

    def imposed(self, canonical: str) -> tuple[str, ...]:
        """The profiles that a resource must conform to as well when it claims the profile ``canonical``."""
        if canonical not in self._imposed:
            structure = self.definitions.structure(canonical) or {}
            named = [e for e in structure.get("extension") or () if e.get("url") == _IMPOSE]
            self._imposed[canonical] = tuple(str(e["valueCanonical"]) for e in named if "valueCanonical" in e)
        return self._imposed[canonical]

    def problem(self, canonical: str) -> str | None:
        """Why the profile cannot be used; None when it can, or is not known at all."""
        return self._broken.get(canonical)

    def type_schema(self, name: str) -> ElementSchema | None:
        """The schema of the type ``name``."""
        return self.schema(_TYPES + name)

    def derives_from(self, canonical: str, ancestor: str) -> bool:
        """Whether the profile ``canonical`` is ``ancestor`` or is derived from it."""
        if canonical not in self._ancestors:
            seen: set[str] = set()
            current: str | None = canonical
            while current and current.partition("|")[0] not in seen:
                seen.add(current.partition("|")[0])
                structure = self.definitions.structure(current)
                current = structure.get("baseDefinition") if structure else None
            self._ancestors[canonical] = frozenset(seen)
        return ancestor in self._ancestors[canonical]

    def apply(self, value: Any, canonical: str, where: Location, scope: Scope) -> None:
        """Judge ``value`` by the profile ``canonical`` too, reporting what it finds, or that it is not known."""
        schema = self.schema(canonical)
        if schema is None:
            self.report_unknown(canonical, where, scope)
            return
        key = (id(value), canonical)
        if key in scope.session.active:
            return
        scope.session.active.add(key)
        try:
            if isinstance(value, dict) and value.get("resourceType"):
                walk(value, where, scope, [canonical])
            else:
                schema.check(value, where, scope)
        finally:
            scope.session.active.discard(key)

    def report_unknown(self, canonical: str, where: Location, scope: Scope) -> None:
        """Say that the profile is not known, not in the version that is named, or cannot be used."""
        problem, here = self.problem(canonical), self._other_version(canonical)
        rule = "profile-broken" if problem else "profile-unknown" if here is None else "profile-other-version"
        scope.report(rule, where, found=canonical, expected=here, detail=problem, undecided=True)

    def _other_version(self, canonical: str) -> str | None:
        """The version in which a profile is known, where ``canonical`` names another one (R4 canonical, "|")."""
        _, bar, named = canonical.partition("|")
        found = self.definitions.structure(canonical) if bar else None
        here = str(found.get("version") or "") if found is not None else named
        return None if _is_version(here, named) else here

    def conforms(self, value: Any, canonical: str, where: Location, scope: Scope) -> bool | None:
        """Whether ``value`` has no error by the profile ``canonical``; None where the profile is not known."""
        return conforms(self, value, canonical, where, scope)

    def nested(
        self, slot: ResourceSlot, value: dict[str, Any], parent: Mapping[str, Any], where: Location, scope: Scope
    ) -> None:
        """Judge a resource that stands in another one."""
        nested(slot, value, parent, where, scope)

    # ---- terminology

    def member(self, value_set: str, system: str | None, code: str | None) -> Answer:
        """Whether the code is in the value set (None: not known), and why."""
        key = (value_set, system, code)
        found = self._members.get(key)
        if found is None:
            if code is None:
                return False, Reason("there is no code", "il n'y a pas de code")
            if code in FURTHER_CODES.get(value_set.partition("|")[0], ()):
                found = (True, "")
            else:
                answer = self.terminology.member(value_set, system, code)
                found = (_VERDICTS[answer.verdict], answer.reason)
            if len(self._members) < _REMEMBERED:
                self._members[key] = found
        return found

    def inside(self, resource: Mapping[str, Any], system: str | None, code: str) -> Answer:
        """As :meth:`member`, for a value set that is contained in the resource that is judged."""
        verdict, reason = self.terminology.judge_by(resource, system, code)
        return _VERDICTS[verdict], reason

    def member_of(self, value: Any, value_set: str) -> bool | None:
        """FHIRPath's memberOf for a code, Coding, CodeableConcept or Quantity."""
        answers = [self.member(value_set, system, code)[0] for system, code in concepts(value)]
        return True if True in answers else None if None in answers else False

    def hint(self, value_set: str, code: str | None, system: str | None = None) -> str | None:
        """The code where it is of another system, else the codes that would do, when they are few, or the nearest."""
        codes = self.terminology.codes(value_set)
        if not codes:
            return None
        elsewhere = [one.system for one in codes if one.code == code and one.system != system] if system else []
        if elsewhere:
            return f"{elsewhere[0]}#{code}?"
        names = sorted({code.code for code in codes})
        if len(names) <= 12:
            return ", ".join(names)
        near = self.nearest(code or "", tuple(names))
        return f"{near}?" if near else None

    def code_system(self, system: str) -> dict[str, dict[str, str]] | None:
        """code -> folded display -> display, of a complete code system; None where it is not at hand."""
        if system not in self._systems:
            found = self.terminology.table(system)
            self._systems[system] = _displays(found) if found is not None and found.complete else None
            if found is not None and found.inactive:
                self.retired[system] = found.inactive
        return self._systems[system]

    def is_value_set(self, url: str) -> bool:
        """Whether ``url`` names a value set and no code system."""
        return self.definitions.value_set(url) is not None and self.definitions.code_system(url) is None

    # ---- extensions and references

    def extension(self, url: str) -> ExtensionDefinition | None:
        """What is known of the extension ``url``; None when its definition is not at hand."""
        plain = url.partition("|")[0]
        if plain not in self._extensions:
            structure = self.definitions.structure(plain)
            usable = structure is not None and structure.get("type") == "Extension" and self.schema(plain) is not None
            self._extensions[plain] = self._extension(structure) if usable and structure else None
        return self._extensions[plain]

    def _extension(self, structure: Mapping[str, Any]) -> ExtensionDefinition:
        contexts = [c for c in structure.get("context") or () if isinstance(c, Mapping) and for_r4(c)]
        tree = self.compiler.tree(str(structure["url"]))
        named = {
            kind: [str(c.get("expression")) for c in contexts if c.get("type", "element") == kind]
            for kind in ("element", "extension", "fhirpath")
        }
        return ExtensionDefinition(
            str(structure["url"]),
            bool(tree is not None and tree.element.get("isModifier")),
            frozenset(named["element"]) | FURTHER_CONTEXTS.get(str(structure["url"]), frozenset()),
            not structure.get("context"),
            parts_of(tree) if tree is not None else None,
            within=frozenset(named["extension"]),
            selections=tuple(named["fhirpath"]),
            rules=tuple(str(rule) for rule in structure.get("contextInvariant") or ()),
        )

    def in_context(
        self, definition: ExtensionDefinition, names: frozenset[str], where: Location, scope: Scope
    ) -> bool | None:
        """Whether the extension may stand at ``where``, on an element known as ``names``; None if that is not known."""
        contexts = definition.contexts
        if definition.anywhere or not contexts.isdisjoint(names) or "*" in contexts:
            return True
        path = element_path(where[0], scope)
        if path in contexts or path.replace(".ofType", "").partition("(")[0] in contexts:
            return True
        for context in contexts:  # an element of a profile, [url]#[elementid], or a choice by its general name
            name = context.rpartition("#")[2]
            if name in names or name == path or name.removesuffix("[x]") == path.partition(".ofType")[0]:
                return True
        holder = where[0] or where
        if belongs(contexts, holder, scope):
            return True
        if definition.within and inside(definition.within, holder, scope):
            return True
        return selected(definition.selections, holder, scope) if definition.selections else False

    def referenced_type(self, reference: Mapping[str, Any]) -> str | None:
        """The resource type that a Reference names in its URL or in ``type``."""
        text = reference.get("reference")
        named = target_type(text, self.resource_types) if isinstance(text, str) else None
        declared = reference.get("type")
        return named or (declared.removeprefix(_TYPES) if isinstance(declared, str) else None)

    def target_type(self, canonical: str) -> str:
        """The resource type that a target profile is about; its URL where the profile is not known."""
        if canonical not in self._target_types:
            structure = self.definitions.structure(canonical)
            self._target_types[canonical] = str(structure.get("type")) if structure else canonical
        return self._target_types[canonical]

    def target_fits(self, canonical: str, name: str) -> bool:
        """Whether a resource of the type ``name`` may be what the target profile is about."""
        wanted = self.target_type(canonical)
        return wanted == name or wanted in _ANY or wanted not in self.resource_types

    def is_plain_type(self, canonical: str) -> bool:
        """Whether the target profile is a type and no profile, or is not known."""
        name = canonical.partition("|")[0].removeprefix(_TYPES)
        return name in self.resource_types or name in _ANY or self.target_type(canonical) == canonical

    def type_of(self, value: Any, where: Location | None) -> str | None:
        """The type of a value: a resource's own, or that of the choice whose location this is."""
        if isinstance(value, Mapping) and isinstance(value.get("resourceType"), str):
            return str(value["resourceType"])
        if where is not None and ".ofType(" in where[1]:
            return where[1].partition(".ofType(")[2].removesuffix(")")
        return None

    # ---- words and expressions

    @staticmethod
    def nearest(word: str, known: Iterable[str]) -> str | None:
        """The known word that looks most like ``word``; None when none does, as none of its length does to a text."""
        if len(word) > _LONGEST_WORD:
            return None
        listed = list(known)[:2000]
        other_case = next((one for one in listed if one.casefold() == word.casefold() and one != word), None)
        found = difflib.get_close_matches(word, listed, n=1, cutoff=0.75)
        return other_case or (found[0] if found else None)

    def environment(self, scope: Scope, focus_type: str | None) -> Environment:
        """What an expression about an element of ``scope`` may know."""
        resource = scope.resource if isinstance(scope.resource, dict) else dict(scope.resource)
        root = scope.root if isinstance(scope.root, dict) else dict(scope.root)
        return Environment(
            resource=resource,
            root_resource=root,
            context=resource,
            variables={
                "resourceType": resource.get("resourceType"),
                "rootResourceType": root.get("resourceType"),
            },
            focus_type=focus_type,
            child_type=self.child_type,
            resolve=_plain(scope.resolve),
            member_of=self.member_of,
            conforms_to=self._conforms_to(scope),
        )

    def _conforms_to(self, scope: Scope) -> Callable[[dict[str, Any], str], bool | None]:
        def conforms(resource: dict[str, Any], profile: str) -> bool | None:
            return self.conforms(resource, profile, scope.where, scope)

        return conforms

    def child_type(self, parent: str, name: str) -> str | None:
        """The type of the child ``name`` of a type or of a backbone element given by its path."""
        tree = self.compiler.type_tree(parent.partition(".")[0])
        for part in parent.split(".")[1:]:
            tree = tree.children.get(part) if tree is not None else None
        child = tree.children.get(name) if tree is not None else None
        if child is None or len(child.type_codes) != 1:
            return None
        code = child.type_codes[0]
        return child.path if code in ("BackboneElement", "Element") else code


def _is_version(version: str, named: str) -> bool:
    """Whether ``version`` is the one named: whole, by its first numbers (two at least), or with ``x`` for some."""
    wanted, given = named.split("."), version.split(".")
    if version == named or len(wanted) < 2:
        return version == named
    return len(wanted) <= len(given) and all(
        one in ("x", "*", other) for one, other in zip(wanted, given, strict=False)
    )


def _plain(resolve: Callable[[str], Mapping[str, Any] | None]) -> Callable[[str], dict[str, Any] | None]:
    def resolved(reference: str) -> dict[str, Any] | None:
        found = resolve(reference)
        return found if found is None or isinstance(found, dict) else dict(found)

    return resolved


def _displays(table: CodeTable) -> dict[str, dict[str, str]]:
    return {
        code: {plain(shown): shown for shown in (concept.display, *concept.designations) if shown}
        for code, concept in table.concepts.items()
    }
