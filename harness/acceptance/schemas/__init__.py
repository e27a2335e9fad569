"""JSON Schemas of what stands in an acceptance file, and of the files around it."""
