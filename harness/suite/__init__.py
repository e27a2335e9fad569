"""The test-set language."""
