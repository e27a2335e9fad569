"""What each domain asks beyond FHIR's own rules, one module a domain."""
