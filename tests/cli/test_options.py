"""What all commands have in common."""

import importlib
import pkgutil

import pytest
from typer.main import get_command

import harness.cli

MODULES = [found.name for found in pkgutil.iter_modules(harness.cli.__path__)]


@pytest.mark.parametrize("name", MODULES)
def test_no_command_offers_to_change_the_shell(name: str) -> None:
    app = getattr(importlib.import_module(f"harness.cli.{name}"), "app", None)
    names = set() if app is None else {parameter.name for parameter in get_command(app).params}
    assert not names & {"install_completion", "show_completion"}
