from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

import click
import pytest
from cli_harness import Outcome

from telemetry_pipeline.cli import main as program
from telemetry_pipeline.cli.lazy import LazyCommand
from telemetry_pipeline.errors import Cancelled, StackError

COMMANDS = [program.cli.get_command(click.Context(program.cli), name) for name in program.COMMANDS]


def test_help_of_the_program_and_of_each_command_imports_nothing_heavy(tmp_path: Path) -> None:
    """Somebody who types --help does not wait for Dagster to load."""
    script = """
import sys
from telemetry_pipeline.cli.main import COMMANDS, main
# The help of dagster is Dagster's own.
for arguments in ([], *([name] for name in COMMANDS if name != "dagster")):
    assert main([*arguments, "--help"]) == 0
    heavy = {"dagster", "pandas", "numpy", "celery", "sqlalchemy", "pydantic", "requests", "rich", "psycopg"} & set(sys.modules)
    assert not heavy, (arguments, heavy)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert done.returncode == 0, done.stderr
    for name in program.COMMANDS:
        assert f"\n  {name} " in done.stdout


@pytest.mark.parametrize("command", [each for each in COMMANDS if isinstance(each, LazyCommand)], ids=lambda each: each.name)
def test_what_carries_a_command_out_exists_and_takes_what_can_be_typed(command: LazyCommand) -> None:
    """It is imported when the command runs: a name that is wrong would show only then."""
    module, _, function = command.work.partition(":")
    taken = inspect.signature(getattr(import_module(module), function))
    taken.bind(**{str(parameter.name): None for parameter in command.params if parameter.expose_value})


def test_the_module_is_the_program(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "telemetry_pipeline", "run"], capture_output=True, text=True, cwd=tmp_path, timeout=60
    )
    assert done.returncode == 2
    assert done.stderr == "error: Missing argument 'JOB'. See 'telemetry-pipeline run --help'.\n"


@pytest.mark.parametrize("arguments", [(), ("fly",), ("run",), ("status", "--fast"), ("show", "x", "--format", "xml")])
def test_what_is_not_understood_is_one_line_and_status_2(cli: Callable[..., Outcome], arguments: tuple[str, ...]) -> None:
    outcome = cli(*arguments)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("error: ")
    assert outcome.err.count("\n") == 1


@pytest.mark.parametrize(
    ("raised", "status", "line"),
    [
        (StackError("the stack is not there"), 1, "error: the stack is not there"),
        (ZeroDivisionError("by zero"), 1, "error: unexpected ZeroDivisionError: by zero (--debug shows where)"),
        (KeyboardInterrupt(), 130, "error: cancelled"),
        (Cancelled("the run was cancelled"), 130, "error: the run was cancelled"),
    ],
    ids=["of ours", "unexpected", "Ctrl-C", "cancelled"],
)
def test_an_error_is_one_line(
    cli: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch, raised: BaseException, status: int, line: str
) -> None:
    def fail(*_: object) -> None:
        raise raised

    monkeypatch.setattr("telemetry_pipeline.cli.target.find_stack", fail)
    outcome = cli("status")
    assert (outcome.status, outcome.err.strip()) == (status, line)


@pytest.mark.parametrize("arguments", [("--debug", "show", "nonsense"), ("show", "nonsense", "--debug")])
def test_debug_shows_the_traceback_wherever_it_stands(cli: Callable[..., Outcome], arguments: tuple[str, ...]) -> None:
    outcome = cli(*arguments)
    assert outcome.status == 1
    assert "Traceback" in outcome.err
    assert [line[:3] for line in outcome.err.splitlines()[-2:]] == ["err", "-> "]


def test_all_impossible_settings_are_in_one_message(cli: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPERATOR_TIMEZONE", "Mexico")
    monkeypatch.setenv("FIRST_PARTITION", "soon")
    outcome = cli("status")
    assert outcome.status == 1
    assert "OPERATOR_TIMEZONE is 'Mexico'; expected an IANA name" in outcome.err
    assert "FIRST_PARTITION is 'soon'" in outcome.err


def test_a_mistyped_command_is_answered_with_what_was_meant(cli: Callable[..., Outcome]) -> None:
    assert cli("statsu") == Outcome(
        2, "", "error: There is no command 'statsu'; did you mean status? See 'telemetry-pipeline --help'.\n"
    )
    assert "there are up, run, show, " in cli("fly").err


@pytest.mark.parametrize(
    "program",
    ["main(['--help'])", "main(['show', '--help'])", "main(['doctor'])", "print_much()"],
    ids=["help", "help of a command", "a command", "in the middle of a large table"],
)
def test_a_reader_that_has_enough_gets_no_complaint_and_no_failure(program: str, tmp_path: Path) -> None:
    """click and rich end the program with status 1 when a pipe breaks; Python complains once more when it flushes at exit."""
    script = f"""
import sys
from telemetry_pipeline.cli import main as module, output
from telemetry_pipeline.cli.main import main
def print_much():
    module.click.Group.invoke = lambda *_: output.print_table(["n"], [["n" * 500]] * 20_000)
    return main(["status"])
sys.stdin.readline()  # by now, nobody reads
sys.exit({program})
"""
    command = [sys.executable, "-c", script]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=tmp_path
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write("go\n")
        process.stdin.close()
        assert process.stderr.read() == ""
        assert process.wait(60) == 0


def test_a_pipe_that_breaks_halfway_is_no_failure_either(tmp_path: Path) -> None:
    script = """
from telemetry_pipeline.cli import main as module, output
module.click.Group.invoke = lambda *_: output.print_table(["n"], [["n" * 500]] * 20_000)
raise SystemExit(module.main(["status"]))
"""
    (tmp_path / "large.py").write_text(script)
    piped = f"set -o pipefail; {sys.executable} large.py | head -c 100000 | wc -c; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", piped], capture_output=True, text=True, cwd=tmp_path, timeout=60)
    assert (done.stdout.split(), done.stderr) == (["100000", "0"], "")


def test_a_connection_to_a_server_that_breaks_is_an_error(cli: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch) -> None:
    """It raises the same error as a reader who leaves."""

    def fail(*_: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("telemetry_pipeline.cli.target.find_stack", fail)
    outcome = cli("status")
    assert outcome.status == 1
    assert outcome.err.startswith("error: unexpected BrokenPipeError: ")
