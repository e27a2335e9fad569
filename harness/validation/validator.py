"""Validator: the one door."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from harness.errors import DefinitionError
from harness.fhir.definitions import Definitions
from harness.fhir.terminology import Terminology
from harness.reason import told
from harness.validation.json_source import DEPTH, Problem, read, too_deep
from harness.validation.judge import Judge
from harness.validation.location import Location, root
from harness.validation.misread import readable
from harness.validation.outcome import Outcome
from harness.validation.resources import walk
from harness.validation.scope import Scope, Session, Settings


class Validator:
    """Judges resources by FHIR R4, by the profiles they name and by those that are asked for.

    One validator serves any number of resources; what it compiles is kept. ``terminology`` answers for value sets, by
    default from the definitions alone. ``lang`` is the language of the messages (``en`` or ``fr``).
    ``unknown_extensions`` is ``error`` (as the reference validator does), ``information`` (undecided) or
    ``allowed`` (an unknown extension that may be ignored is nobody's fault). ``unknown_codes`` says what becomes of a
    code whose code system is not at hand and of which no binding, fixed value or pattern speaks: ``information``
    (undecided) or ``allowed`` (said, but nobody's fault). ``must_support`` adds, as information, which elements that
    a profile marks as must-support are absent.
    """

    def __init__(
        self,
        definitions: Definitions,
        *,
        terminology: Terminology | None = None,
        lang: str = "en",
        unknown_extensions: str = "error",
        unknown_codes: str = "information",
        must_support: bool = False,
    ) -> None:
        self.definitions = definitions
        self._terminology = terminology
        self._settings = Settings(lang, unknown_extensions, unknown_codes, must_support)
        self._judge: Judge | None = None
        self._revision = -1

    @property
    def judge(self) -> Judge:
        """The compiled definitions, made anew when definitions were added."""
        if self._judge is None or self._revision != self.definitions.revision:
            self._revision = self.definitions.revision
            self._judge = Judge(self.definitions, self._terminology or Terminology(self.definitions))
        return self._judge

    def validate(self, resource: Mapping[str, Any] | bytes | str, profiles: Sequence[str] = ()) -> Outcome:
        """Judge ``resource``, parsed JSON or its text, by its type, its ``meta.profile`` and ``profiles``.

        Never raises for a bad resource: what is wrong with it is in the outcome. A profile in ``profiles`` that is not
        known or cannot be used is an error, one in ``meta.profile`` is undecided.
        """
        session = Session(self.judge, self._settings)
        if isinstance(resource, Mapping):
            value: Any = resource if type(resource) is dict else dict(resource)
            problems: list[Problem] = []
        else:
            value, problems = read(resource)
        name = value.get("resourceType") if isinstance(value, dict) else None
        where = root(name if isinstance(name, str) else "Resource")
        scope = Scope(session, value if isinstance(value, dict) else {}, where)
        for problem in problems:
            scope.report(
                problem.rule,
                where,
                found=problem.found,
                expected=problem.expected,
                detail=problem.detail,
                detail_fr=problem.detail_fr,
            )
        if isinstance(value, dict):
            self._walk(value, where, scope, profiles)
            if session.misread:
                session = self._again(session, value, where, profiles)
                scope = Scope(session, value, where)
        elif not problems:
            scope.report(
                "not-a-resource", where, detail="the JSON is not an object", detail_fr="le JSON n'est pas un objet"
            )
        for place, system, code, reason in session.open_codes:
            if code not in session.told_codes:
                undecided = self._settings.unknown_codes != "allowed"
                scope.report(
                    "code-undecided",
                    place,
                    found=f"{system}#{code}",
                    detail=reason,
                    undecided=undecided,
                )
        return Outcome(tuple(session.issues))

    def _again(self, first: Session, value: dict[str, Any], where: Location, profiles: Sequence[str]) -> Session:
        """A second reading, without what is no element by its JSON; what was said of the JSON stays said."""
        second = Session(self.judge, self._settings)
        read = readable(value, first.misread)
        self._walk(read, where, Scope(second, read, where), profiles)
        found = [issue for issue in second.issues if not issue.rule.startswith("json-")]
        lasting = [issue for issue in first.issues if issue.rule.startswith("json-") or issue in found]
        second.issues = [*lasting, *(issue for issue in found if issue not in lasting)]
        return second

    def _walk(self, value: dict[str, Any], where: Location, scope: Scope, profiles: Sequence[str]) -> None:
        known = []
        for profile in profiles:
            if self.judge.schema(profile) is not None:
                known.append(profile)
            elif problem := self.judge.problem(profile):  # asked for and not looked at: it must not pass
                scope.report("profile-broken", where, found=profile, detail=problem, severity="error", undecided=True)
            else:
                scope.report("profile-required-unknown", where, found=profile)
        if too_deep(value):
            scope.report("json-depth", where, expected=DEPTH)
            return
        try:
            walk(value, where, scope, known)
        except RecursionError:  # a caller that is itself deep leaves less room than DEPTH needs
            scope.report("json-depth", where, expected=DEPTH, severity="error", undecided=True)
        except DefinitionError as problem:  # met when a part of a profile is first needed
            named = ", ".join(known) or scope.resource.get("resourceType")
            scope.report("profile-broken", where, found=named, detail=told(problem), undecided=True)
