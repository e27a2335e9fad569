"""The expectations: pure functions of (expectation, exchange, variables, definitions)."""
