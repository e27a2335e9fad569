"""Which resource types have rules of their own, beside the constraints of their definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.validation.location import Location
from harness.validation.resource_rules import (
    code_system,
    concept_map,
    questionnaire,
    questionnaire_response,
    structure_definition,
    value_set,
)
from harness.validation.scope import Scope

RULES: dict[str, Callable[[Mapping[str, Any], Location, Scope], None]] = {
    "CodeSystem": code_system.check,
    "ConceptMap": concept_map.check,
    "Questionnaire": questionnaire.check,
    "QuestionnaireResponse": questionnaire_response.check,
    "StructureDefinition": structure_definition.check,
    "ValueSet": value_set.check,
}
