"""Extensions: known, allowed where they stand, and as they define themselves (FHIR R4 extensibility §2.4)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.validation.contexts import broken
from harness.validation.knowledge import ExtensionDefinition, Parts
from harness.validation.location import Location
from harness.validation.schema import Children, Origin
from harness.validation.scope import Scope

_HL7 = re.compile(r"http://hl7\.org/fhir/(?:[^/]+/)?StructureDefinition/")
"""HL7's own extensions, also of later releases; those of guides have a realm and a name in their URL."""
_RELEASE = re.compile(r"http://hl7\.org/fhir/(\d+\.\d+)/StructureDefinition/extension-")
_RELEASES = frozenset({"1.0", "3.0", "4.0", "4.3", "5.0", "6.0"})
"""The releases of FHIR whose elements extensions may stand for (R4 versions §2.1.0.4)."""
_EXAMPLE = re.compile(r"https?://(?:[\w-]+\.)*(?:example\.org|acme\.com|nema\.org)(?:[/:]|$)")
"""The domains of the specification's own examples: what stands there is defined nowhere."""


@dataclass(frozen=True, slots=True)
class ExtensionRule:
    """One extension, found by its url.

    ``modifier`` says that it stands in ``modifierExtension``; ``contexts`` are the names of the extended element;
    ``general`` judges the children where the extension's own definition does not, and always when the profile says
    something about them right here (``inline``).
    """

    origin: Origin
    modifier: bool
    contexts: frozenset[str]
    general: Children
    inline: bool = False

    def check(self, value: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Report an extension without url, unknown, in the wrong place, or not as it is defined."""
        url = value.get("url")
        has_value = any(key.startswith(("value", "_value")) for key in value)
        has_parts = "extension" in value
        if type(url) is not str:
            scope.report("extension-url", where)
            self.general.check(value, where, scope)
            return
        if has_value is has_parts:
            words = "both a value and extensions" if has_value else "neither a value nor extensions"
            mots = "a à la fois une valeur et des extensions" if has_value else "n'a ni valeur ni extensions"
            scope.report(
                "invariant",
                where,
                constraint="ext-1",
                detail=f"an extension has {words}: one of them is needed",
                detail_fr=f"une extension {mots} : il faut l'une ou les autres",
            )
        if ":" not in url:
            self._part(url, where, scope)
            self.general.check(value, where, scope)
            return
        if any(character.isspace() for character in url):
            scope.report("extension-url-relative", where, found=url)
        self._defined(value, url, where, scope)

    def _part(self, url: str, where: Location, scope: Scope) -> None:
        """A relative url names a part of a complex extension, so the parent is an extension."""
        parent = where[0]
        if parent is None or parent[1] not in ("extension", "modifierExtension"):
            scope.report("extension-url-relative", where, found=url)

    def _defined(self, value: Mapping[str, Any], url: str, where: Location, scope: Scope) -> None:
        judge = scope.session.judge
        structure = judge.extension(url)
        if "|" in url:
            severity = "warning" if structure is None else None
            scope.report("extension-url-version", where, found=url, severity=severity)
        if structure is None:
            self._unknown(url, where, scope)
            self.general.check(value, where, scope)
            return
        if structure.modifier is not self.modifier:
            scope.report(
                "extension-modifier",
                where,
                found=url,
                detail="" if structure.modifier else "not ",
                detail_fr="" if structure.modifier else "ne pas ",
            )
        self._placed(value, structure, where, scope)
        judge.apply(value, structure.url, where, scope)
        _check_parts(value, structure.parts, url, where, scope)
        if self.inline:
            self.general.check(value, where, scope)

    def _placed(self, value: Mapping[str, Any], structure: ExtensionDefinition, where: Location, scope: Scope) -> None:
        """Report an extension where its definition does not allow it, or only under conditions that do not hold."""
        holder, url = where[0] or where, structure.url
        allowed = scope.session.judge.in_context(structure, self.contexts, where, scope)
        if not allowed:
            rule = "extension-context" if allowed is False else "extension-context-undecided"
            scope.report(
                rule, holder, found=url, expected=structure.context_text, profile=url, undecided=allowed is None
            )
        for text, holds in broken(structure.rules, value, holder, scope) if structure.rules else ():
            rule = "extension-context-undecided" if holds is None else "extension-context-rule"
            scope.report(rule, holder, found=url, expected=text, profile=url, undecided=holds is None)

    def _unknown(self, url: str, where: Location, scope: Scope) -> None:
        """Without its definition an extension of HL7, or an example, cannot be judged; others follow the setting.

        ``allowed``: anybody may add an extension that others ignore (§2.4), so nothing is left to judge; one that
        modifies stays undecided.
        """
        known = scope.session.judge.definitions.structure(url.partition("|")[0])
        if known is not None and known.get("type") != "Extension":
            scope.report("extension-other-definition", where, found=url, expected=str(known.get("type")))
            return
        setting = scope.session.settings.unknown_extensions
        if setting == "allowed":
            scope.report("extension-undecided", where, found=url, undecided=self.modifier)
            return
        release = _RELEASE.match(url)
        if release and release[1] not in _RELEASES:
            setting = "error"
        elif _EXAMPLE.match(url):
            setting = "information"
        elif self.modifier:
            setting = "error"  # a modifier that is not understood must not be ignored (§2.4.1)
        elif _HL7.match(url):
            setting = "information"
        if setting == "error":
            scope.report("extension-unknown", where, found=url)
        else:
            scope.report("extension-undecided", where, found=url, undecided=True)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"extension": "modifier" if self.modifier else "plain"}


def _check_parts(value: Mapping[str, Any], parts: Parts | None, definition: str, where: Location, scope: Scope) -> None:
    """A relative url is one that the definition of the whole extension has at this place."""
    inner = value.get("extension")
    if parts is None or not isinstance(inner, list):
        return
    for index, part in enumerate(inner):
        url = part.get("url") if isinstance(part, Mapping) else None
        if not isinstance(url, str) or not url or ":" in url:
            continue
        place = (where, "extension", index)
        if url in parts.by_url:
            _check_parts(part, parts.by_url[url], definition, place, scope)
        else:
            known = " | ".join(parts.by_url)
            scope.report("extension-part", place, found=url, expected=definition, detail=f": {known}" if known else "")
