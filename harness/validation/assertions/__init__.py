"""The assertions a compiled schema is made of: one a file, frozen, dumpable."""
