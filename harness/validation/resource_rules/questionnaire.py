"""Questionnaire: what an enableWhen refers to (FHIR R4 questionnaire §2.42.5.4), and linkIds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from harness.validation.location import Location
from harness.validation.resource_rules.questionnaire_derivation import check_derivation
from harness.validation.resource_rules.reading import descend, parts, text
from harness.validation.scope import Scope


def check(questionnaire: Mapping[str, Any], where: Location, scope: Scope) -> None:
    """Report an enableWhen whose question is not there, is the item itself or below it, and a wrong derivation."""
    items = list(descend(questionnaire, "item", where))
    if "derivedFrom" in questionnaire:
        check_derivation(questionnaire, items, where, scope)
    known = {text(item, "linkId") for item, _ in items}
    for item, place in items:
        for condition, _ in parts(item, "enableWhen", place):
            question = text(condition, "question")
            if question is None:
                continue
            if question == text(item, "linkId"):
                scope.report("enable-when-self", place, found=question)
            elif question not in known:
                near = scope.session.judge.nearest(question, [name for name in known if name])
                scope.report("enable-when-unknown", place, found=question, detail=f" ({near}?)" if near else None)
            elif any(text(inner, "linkId") == question for inner, _ in descend(item, "item", place)):
                scope.report("enable-when-inner", place, found=question)
