"""Runs a suite against a candidate."""
