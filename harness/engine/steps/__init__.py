"""The FHIR interactions: one a file."""
