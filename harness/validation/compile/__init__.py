"""From StructureDefinition to ElementSchema: one builder per facet of ElementDefinition."""
