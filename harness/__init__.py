"""Connection tests for FHIR R4 services, with signed evidence that anybody can check and re-judge."""

__version__ = "0.1.0"
