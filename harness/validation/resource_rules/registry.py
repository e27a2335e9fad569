"""Which resource types have rules of their own, beside the constraints of their definitions."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from harness.validation.location import Location
from harness.validation.resource_rules import (
    capability_statement,
    code_system,
    concept_map,
    implementation_guide,
    measure_report,
    operation_definition,
    questionnaire,
    questionnaire_response,
    search_parameter,
    structure_definition,
    structure_map,
    value_set,
)
from harness.validation.scope import Scope

RULES: dict[str, Callable[[Mapping[str, Any], Location, Scope], None]] = {
    "CapabilityStatement": capability_statement.check,
    "CodeSystem": code_system.check,
    "ConceptMap": concept_map.check,
    "ImplementationGuide": implementation_guide.check,
    "MeasureReport": measure_report.check,
    "OperationDefinition": operation_definition.check,
    "Questionnaire": questionnaire.check,
    "QuestionnaireResponse": questionnaire_response.check,
    "SearchParameter": search_parameter.check,
    "StructureDefinition": structure_definition.check,
    "StructureMap": structure_map.check,
    "ValueSet": value_set.check,
}
