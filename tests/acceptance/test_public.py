"""The public names of ``harness.acceptance`` are the functions, whatever was imported before."""

import subprocess
import sys

import pytest

from harness import acceptance

FUNCTIONS = ("sign", "verify", "rejudge", "plan_rerun", "rerun", "compare", "review", "disclose")


def test_every_public_name_is_there() -> None:
    for name in acceptance.__all__:
        assert getattr(acceptance, name).__name__ == name
    assert not hasattr(acceptance, "sing")


@pytest.mark.parametrize("first", ["", "import harness.acceptance.rejudge, harness.acceptance.statement; "])
def test_a_function_is_not_hidden_by_the_module_of_its_name(first: str) -> None:
    names = ", ".join(FUNCTIONS)
    code = f"{first}from harness.acceptance import {names}; print(all(map(callable, ({names}))))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "True\n"


def test_importing_the_package_loads_none_of_its_modules() -> None:
    code = "import sys, harness.acceptance as a; print([m for m in sys.modules if m.startswith(a.__name__ + '.')])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout == "[]\n"
