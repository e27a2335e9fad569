"""What the specification says about text types beyond their format: URIs, canonicals, markdown, white space."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from harness.fhir.primitives import PRIMITIVES
from harness.validation.location import Location
from harness.validation.scope import Scope

_URNS = frozenset({"oid:", "uuid", "urn:"})
_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S")
_HTML_TAG = re.compile(r"(?<!\\)<(?:!--|![A-Za-z]|\?[A-Za-z]|/?[A-Za-z][A-Za-z0-9-]*(?:\s[^<>]*)?>)")
_CODE = re.compile(r"```.*?```|`[^`]*`|<(?:https?|mailto|urn|ftp):[^<>\s]*>|<[^<>\s@]+@[^<>\s]+>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CanonicalRule:
    """A canonical is an absolute URL, or a fragment (FHIR R4 references §2.3.0.2)."""

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report a relative one, and a fragment that leads to nothing in the resource."""
        if type(value) is not str or ":" in value:
            return
        if not value.startswith("#"):
            scope.report("canonical-relative", where, found=value)
        elif not scope.has_target(value[1:]):
            scope.report("fragment-unresolved", where, found=value)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"text": "canonical"}


@dataclass(frozen=True, slots=True)
class UriRule:
    """An OID or UUID in a uri is written as a URN, and is one (FHIR R4 datatypes: uri, oid, uuid)."""

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report the prefixes ``oid:`` and ``uuid:``, a URN of these that is no OID or UUID, a lost fragment."""
        if type(value) is not str:
            return
        # A server may write the id of a request into meta.source as a fragment, as HAPI FHIR does: it leads nowhere.
        if value[:1] == "#" and where[1] not in ("contentReference", "source") and not scope.has_target(value[1:]):
            scope.report("fragment-unresolved", where, found=value, severity="warning")
        if value[:4] not in _URNS:
            return
        if value.startswith(("oid:", "uuid:")):
            scope.report(
                "primitive-format",
                where,
                found=value,
                expected="uri",
                detail=" (urn: is missing)",
                detail_fr=" (il manque urn:)",
            )
        for kind in ("oid", "uuid"):
            plain = value.partition("#")[0].partition("|")[0]
            if value.startswith(f"urn:{kind}:") and PRIMITIVES[kind].check(plain) is not None:
                scope.report("primitive-format", where, found=value, expected=kind)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"text": "uri"}


@dataclass(frozen=True, slots=True)
class AbsoluteUrl:
    """The ``url`` by which a definition is known is absolute (FHIR R4 references §2.3.0.2, canonical URLs)."""

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report one without a scheme."""
        if type(value) is str and not _ABSOLUTE.match(value):
            scope.report("canonical-relative", where, found=value)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"text": "absolute url"}


@dataclass(frozen=True, slots=True)
class CodeRule:
    """A code has single spaces as its only white space (FHIR R4 datatypes, code)."""

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report a tab, a line break or another kind of space."""
        if type(value) is str and not value.isalnum() and any(c != " " and c.isspace() for c in value):
            scope.report(
                "primitive-format", where, found=value, expected="code", detail=" (white space)", detail_fr=" (espaces)"
            )

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"text": "code"}


@dataclass(frozen=True, slots=True)
class StringRule:
    """A string should not start or end with white space (FHIR R4 datatypes, string)."""

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report white space around the text."""
        if type(value) is str and (value[:1].isspace() or value[-1:].isspace()):
            scope.report("primitive-whitespace", where, found=value)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"text": "string"}


@dataclass(frozen=True, slots=True)
class MarkdownRule:
    """Markdown holds no HTML: it is escaped when shown (FHIR R4 datatypes, markdown).

    The specification's own examples break lines with ``<br/>``: a tag that closes itself marks up nothing.
    """

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report what looks like a tag, outside code spans and autolinks, and not escaped."""
        if type(value) is str and "<" in value:
            found = _HTML_TAG.search(_CODE.sub("", value))
            if found:
                scope.report("markdown-html", where, found=found.group())

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"text": "markdown"}
