"""Resources made from a profile: good ones, drawn by hypothesis, and bad ones that each break one constraint."""

from harness.validation.generation.mutants import Mutant, mutants
from harness.validation.generation.strategies import instances, sample

__all__ = ["Mutant", "instances", "mutants", "sample"]
