"""Reference: well formed, leading where it may (FHIR R4 references §2.3)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.validation.bundle_index import ANSWERS, REQUESTS
from harness.validation.location import Location
from harness.validation.schema import Origin
from harness.validation.scope import Obligation, Scope

_RELATIVE = re.compile(
    r"(?P<type>[A-Z][A-Za-z]+)/(?P<id>[A-Za-z0-9.-]{1,64})(?:/_history/[A-Za-z0-9.-]{1,64})?(?:#.*)?"
)
_WHITE_SPACE = re.compile(r"\s", re.ASCII)
_TYPES = "http://hl7.org/fhir/StructureDefinition/"


def target_type(reference: str, types: frozenset[str]) -> str | None:
    """The resource type that a reference's text names; None where it names none."""
    tail = reference.partition("/_history/")[0].rpartition("/")[0].rpartition("/")[2]
    return tail if tail in types else None


@dataclass(frozen=True, slots=True)
class ReferenceRule:
    """One reference. ``targets`` are the profiles its target may have; none means any resource.

    ``aggregation`` says where the target may be: contained, bundled, referenced; none means anywhere. ``versioning``
    says whether the reference names a version: ``specific`` or ``independent``, else either.
    """

    origin: Origin
    targets: tuple[str, ...]
    aggregation: tuple[str, ...] = ()
    versioning: str = "either"

    def check(self, value: Mapping[str, Any], where: Location, scope: Scope) -> None:
        """Report a reference that is badly formed, leads nowhere, or leads to what is not allowed."""
        text = value.get("reference")
        judge = scope.session.judge
        declared = value.get("type")
        named: str | None = None
        target: Mapping[str, Any] | None = None
        if type(text) is str:
            if not text:
                return  # its slot says that it is empty
            if _WHITE_SPACE.search(text):
                scope.report("reference-whitespace", where, found=text)
                return
            if ":" not in text and not text.startswith("#") and self._is_odd(text, where, scope):
                return
            target = scope.follow(text, where)
            self._check_aggregation(text, target, where, scope)
            self._check_versioning(text, where, scope)
            if target is not None:
                kind = target.get("resourceType")
                named = kind if type(kind) is str else None
            else:
                named = target_type(text, judge.resource_types)
        if type(declared) is str:
            short = declared.removeprefix(_TYPES)
            if named and declared != named:  # an absolute one is for logical models only
                scope.report("reference-type-mismatch", where, found=declared, expected=named)
            plain = type(text) is str and ":" not in short  # an unknown type is none of the targets either
            named = named or (short if plain or short in judge.resource_types else None)
        if named and self.targets:
            self._check_target(str(text), named, target, where, scope)

    @staticmethod
    def _is_odd(text: str, where: Location, scope: Scope) -> bool:
        """Whether a relative reference is no ``Type/id``, after saying so.

        In a Bundle it is resolved against a fullUrl, which takes that form; elsewhere a server may know what is meant.
        """
        bundle = scope.bundle
        search = "?" in text
        if bundle is not None and text.count("/") not in (1, 3) and not (search and bundle.type in REQUESTS - ANSWERS):
            scope.report("reference-format", where, found=text)
            return True
        found = _RELATIVE.fullmatch(text)
        if text.endswith("?"):  # a search for anything
            scope.report("reference-format", where, found=text)
            return True
        if search or text.startswith("/") or (found and found["type"] in scope.session.judge.resource_types):
            return False
        scope.report("reference-format", where, found=text, severity="warning")
        return True

    def _check_aggregation(self, text: str, target: Mapping[str, Any] | None, where: Location, scope: Scope) -> None:
        """The target is where the profile wants it; a Bundle's entry is also one that is referenced."""
        if not self.aggregation:
            return
        place = (
            {"contained"} if text.startswith("#") else {"referenced"} if target is None else {"bundled", "referenced"}
        )
        if place.isdisjoint(self.aggregation):
            origin = self.origin
            scope.report(
                "reference-aggregation",
                where,
                found=text,
                expected=" | ".join(self.aggregation),
                profile=origin.profile,
                definition=origin.element,
            )

    def _check_versioning(self, text: str, where: Location, scope: Scope) -> None:
        """A RESTful reference names a version, or none, as the profile says (ElementDefinition.type.versioning)."""
        if self.versioning == "either" or "/" not in text or text.startswith("#"):
            return
        if ("/_history/" in text) is (self.versioning == "specific"):
            return
        origin = self.origin
        rule = f"reference-version-{self.versioning}"
        scope.report(rule, where, found=text, profile=origin.profile, definition=origin.element)

    def _check_target(
        self, text: str, named: str, target: Mapping[str, Any] | None, where: Location, scope: Scope
    ) -> None:
        judge = scope.session.judge
        origin = self.origin
        fitting = [profile for profile in self.targets if judge.target_fits(profile, named)]
        if not fitting:
            types = dict.fromkeys(judge.target_type(profile) for profile in self.targets)
            scope.report(
                "reference-target-type",
                where,
                found=named,
                expected=" | ".join(types),
                profile=origin.profile,
                definition=origin.element,
            )
            return
        if target is None or any(judge.is_plain_type(profile) for profile in fitting):
            return
        if scope.session.depth:
            scope.session.obligations.append(Obligation(target, tuple(fitting), where, scope))
            return
        answers = [judge.conforms(target, profile, where, scope) for profile in fitting]
        if True in answers or None in answers:
            return
        scope.report(
            "reference-target-profile",
            where,
            found=text,
            expected=" | ".join(fitting),
            profile=origin.profile,
            definition=origin.element,
        )

    def dump(self) -> dict[str, Any]:
        """The assertion as JSON."""
        where = {"aggregation": list(self.aggregation)} if self.aggregation else {}
        version = {"versioning": self.versioning} if self.versioning != "either" else {}
        return {"reference": list(self.targets), **where, **version}
