"""FHIRPath N1 with FHIR's functions: ``compile_expression(text).evaluate(focus)`` and ``.test(focus)``."""

from harness.fhir.fhirpath.environment import Environment
from harness.fhir.fhirpath.expression import Expression, compile_expression

__all__ = ["Environment", "Expression", "compile_expression"]
