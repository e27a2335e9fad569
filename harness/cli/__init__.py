"""The command: one file a command, each loaded only when it is called, so that every one of them starts fast."""

import contextlib
import gc
import importlib
import io
import os
import sys
from collections.abc import Mapping, Sequence

import typer
from typer.core import TyperGroup
from typer.main import get_command

from harness import __version__
from harness.engine.verdict import Exit
from harness.errors import CandidateError, HarnessError, RecordError
from harness.report.inert import printable

_COMMANDS: Mapping[str, str] = {
    "demo": "Everything, against the embedded sandbox",
    "run": "Run test sets against a candidate",
    "doctor": "Check the way to a candidate before any test runs",
    "validate": "Judge FHIR resources by their profiles",
    "accept": "Sign a run: make its acceptance file",
    "verify": "Check an acceptance file, offline",
    "rejudge": "Judge the recorded exchanges again, offline",
    "rerun": "Run submitted tests once more, and compare",
    "compare": "Compare two runs, test by test",
    "review": "Sign a decision on an acceptance file",
    "disclose": "Tell one redacted value, so that it can be checked",
    "sandbox": "Serve the simulated Mon espace santé",
    "testsets": "List, check and show test sets",
    "packages": "List, add and check FHIR packages",
    "keys": "Make development keys",
    "generate": "Make good instances of a profile",
    "explain": "Say what a finding means, and how to mend it",
}


class _LazyGroup(TyperGroup):
    """Knows its commands by name and help, and imports one when it is called."""

    def list_commands(self, ctx: typer.Context) -> list[str]:  # type: ignore[override]  # noqa: ARG002
        return list(_COMMANDS)

    def get_command(self, ctx: typer.Context, cmd_name: str):  # type: ignore[no-untyped-def,override]  # noqa: ARG002
        if cmd_name not in _COMMANDS:
            return None
        # The one place that imports late: the subcommand, and with it only the layers that it uses.
        # What an import makes stays, so the collector would only look through it in vain: a fifth of the time to start.
        gc.disable()
        command = get_command(importlib.import_module(f"harness.cli.{cmd_name}").app)
        gc.freeze()
        gc.enable()
        command.name = cmd_name
        command.short_help = _COMMANDS[cmd_name]
        return command


_app = typer.Typer(
    name="fhir-harness",
    cls=_LazyGroup,
    help="Connection tests for FHIR R4 services, with signed evidence that anybody can check and re-judge.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"fhir-harness {__version__}")
        raise typer.Exit


@_app.callback()
def _root(
    version: bool = typer.Option(False, "--version", callback=_print_version, is_eager=True, help="Print the version."),
) -> None:
    """Common options."""


def _spell_out() -> None:
    """Have what the encoding of a terminal or a pipe lacks spelled out (``\\u2717``): it is no reason to end a run."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command and exit: 0 pass or warn, 1 fail, 2 wrong usage, 3 undecided, 4 error, 5 nothing ran."""
    _spell_out()
    try:
        get_command(_app).main(args=list(arguments) if arguments is not None else None, prog_name="fhir-harness")
    except HarnessError as problem:
        typer.echo(f"fhir-harness: {printable(str(problem))}", err=True)  # it may quote what others wrote
        sys.exit(Exit.ERROR if isinstance(problem, (CandidateError, RecordError)) else Exit.USAGE)
    except KeyboardInterrupt:
        typer.echo("fhir-harness: interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away (`| head`); point stdout elsewhere so that closing it does not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.ERROR)
    except OSError as problem:
        typer.echo(f"fhir-harness: {problem.filename or 'output'}: {problem.strerror or problem}", err=True)
        with contextlib.suppress(OSError, ValueError):  # what could not be written is not tried again at the end
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(Exit.ERROR)
    except Exception as problem:
        if os.environ.get("FHIR_HARNESS_DEBUG"):
            raise
        typer.echo(
            f"fhir-harness: a fault of the harness itself: {type(problem).__name__}: {problem}\n"
            "Run again with FHIR_HARNESS_DEBUG=1 and report what it prints.",
            err=True,
        )
        sys.exit(Exit.ERROR)
