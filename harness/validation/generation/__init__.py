"""Resources made from a profile: bad ones that each break one constraint, and good ones, drawn by hypothesis.

The bad ones are in :mod:`harness.validation.generation.mutants`; the good ones in
:mod:`harness.validation.generation.strategies`, which alone loads hypothesis.
"""
