"""What the specification says about text types beyond their format: URIs, canonicals, markdown, white space."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from harness.validation.location import Location
from harness.validation.scope import Scope

_HTML_TAG = re.compile(r"</?[A-Za-z][^\s<>]*[^<>]*>|</?[A-Za-z]+$")
_CODE = re.compile(r"```.*?```|`[^`]*`|<(?:https?|mailto|urn|ftp):[^<>\s]*>|<[^<>\s@]+@[^<>\s]+>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class CanonicalRule:
    """A canonical is an absolute URL, or a fragment (FHIR R4 references §2.3.0.2)."""

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report a relative one."""
        if type(value) is str and ":" not in value and not value.startswith("#"):
            scope.report("canonical-relative", where, found=value)

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"text": "canonical"}


@dataclass(frozen=True, slots=True)
class UriRule:
    """An OID or UUID in a uri is written as a URN (FHIR R4 datatypes, uri)."""

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report the prefixes ``oid:`` and ``uuid:``."""
        if type(value) is str and value.startswith(("oid:", "uuid:")):
            scope.report("primitive-format", where, found=value, expected="uri", detail=" (urn: is missing)")

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"text": "uri"}


@dataclass(frozen=True, slots=True)
class StringRule:
    """A string should not start or end with white space (FHIR R4 datatypes, string)."""

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report white space around the text; text of nothing else is an error (ele-1: an element has a value)."""
        if type(value) is str and (value[:1].isspace() or value[-1:].isspace()):
            scope.report("primitive-whitespace", where, found=value, severity=None if value.strip() else "error")

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"text": "string"}


@dataclass(frozen=True, slots=True)
class MarkdownRule:
    """Markdown holds no HTML: it is escaped when shown (FHIR R4 datatypes, markdown)."""

    def check(self, value: Any, where: Location, scope: Scope) -> None:
        """Report what looks like a tag, outside code spans and autolinks."""
        if type(value) is str and "<" in value:
            found = _HTML_TAG.search(_CODE.sub("", value))
            if found:
                scope.report("markdown-html", where, found=found.group())

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        return {"text": "markdown"}
