"""Commands, options and examples of the documentation are those that there are."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from telemetry_pipeline.cli.main import COMMANDS, cli

DOCUMENT = (Path(__file__).parents[2] / "docs" / "commands.md").read_text()
SECTIONS = dict(re.findall(r"^## (\S+)\n(.*?)(?=^## |\Z)", DOCUMENT, re.MULTILINE | re.DOTALL))
EXAMPLES = [line for block in re.findall(r"```sh\n(.*?)```", DOCUMENT, re.DOTALL) for line in block.splitlines()]
GENERAL = {"--debug", "--help", "-h", "--version"}


def command(name: str) -> click.Command:
    found = cli.get_command(click.Context(cli), name)
    assert found is not None
    return found


def options(name: str) -> set[str]:
    found = command(name)
    all_of_it = [found, *(found.commands.values() if isinstance(found, click.Group) else [])]
    parameters = [each for part in all_of_it for each in part.params if isinstance(each, click.Option)]
    return {option for parameter in parameters for option in (*parameter.opts, *parameter.secondary_opts)}


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    assert list(SECTIONS) == list(COMMANDS)
    assert re.findall(r"^\| \[`([\w-]+)`\]\(#\1\)", DOCUMENT, re.MULTILINE) == list(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_is_documented_and_every_documented_option_exists(name: str) -> None:
    assert set(re.findall(r"`(--?[a-z][a-z-]*)`", SECTIONS[name])) == options(name) - GENERAL


@pytest.mark.parametrize("example", EXAMPLES)
def test_every_example_is_understood(example: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "telemetryrecords_2026-10-31_00-00_UTC.csv").write_text("")
    program, name, *arguments = shlex.split(example)
    assert program == "telemetry-pipeline"
    found: click.Command | None = command(name)
    if isinstance(found, click.Group):
        _, found, arguments = found.resolve_command(click.Context(found), arguments)
    assert found is not None
    found.make_context(name, arguments, parent=click.Context(cli))


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_is_for_without_being_cut(name: str) -> None:
    short = command(name).get_short_help_str(limit=60)
    assert 0 < len(short) <= 60
    assert not short.endswith("...")
