"""The rules of the validator and their sentences."""

from harness.validation.messages.render import RULES, render

__all__ = ["RULES", "render"]
