"""What FHIR R4 says. Knows no candidate."""
