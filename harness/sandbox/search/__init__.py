"""FHIR search (https://hl7.org/fhir/R4/search.html): what is indexed at write, and how a query becomes SQL."""
