"""Resources made from a profile: bad ones that each break one constraint, and good ones, drawn by hypothesis.

The good ones are in :mod:`harness.validation.generation.strategies`, which alone loads hypothesis.
"""

from harness.validation.generation.mutants import Mutant, mutants

__all__ = ["Mutant", "mutants"]
