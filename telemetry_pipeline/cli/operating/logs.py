"""``telemetry-pipeline logs``: the log files, filtered and readable."""

from __future__ import annotations

import os
import re
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

import click
import orjson

from telemetry_pipeline.cli.operating.commands import LEVELS
from telemetry_pipeline.cli.saying import Part, say
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.logs.lines import place
from telemetry_pipeline.logs.setup import BACKUPS, FILES
from telemetry_pipeline.moments import bare_moment, times_in
from telemetry_pipeline.polling import polling
from telemetry_pipeline.settings.loading import StackSettings

_COLOURS = {"WARNING": "yellow", "ERROR": "red", "CRITICAL": "red"}
_LOOK_SECONDS = 0.2

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")

Entry = dict[str, Any]
Shown = list[tuple[Part, ...]]
"""The parts of each line."""


def logs(
    file: str,
    run: str | None,
    step: str | None,
    level: str | None,
    since: float | None,
    lines: int,
    follow: bool,
    as_json: bool,
) -> None:
    """Show the lines of a log file that are wanted."""
    settings = StackSettings.load()
    heading = times_in(settings.operator_zone) if file in FILES and not as_json else None
    path = _path(settings, file)
    if file in FILES:
        shown = _shown(_filter(run, step, level, since), None if as_json else settings.operator_zone)
    elif run or step or level or since is not None or as_json:
        raise click.UsageError(f"The log of {file} is plain text; --run, --step, --level, --since and --json are not for it.")
    else:
        shown = _as_it_is
    with path.open("rb") as newest:
        written = chain(_older_lines(path, newest), _whole_lines(newest))
        found = (text for line in written if (text := shown(line)) is not None)
        new = (text for line in _new_lines(path, newest) if (text := shown(line)) is not None) if follow else ()
        for text in chain(deque(found, maxlen=lines), new):
            if heading is not None:
                say(heading)
                heading = None
            for line in text:
                say(*line)


def readable(entry: Entry, zone: ZoneInfo) -> Shown:
    """Return a line for people, with the time in *zone* (its name is said once, above all lines); below it, further in, the
    rest of its message, and where an error is from.
    """
    moment = bare_moment(datetime.fromisoformat(entry["time"]), zone)
    message, *more = entry["message"].split("\n")
    level = (f"{entry['level']:<8}", _COLOURS.get(entry["level"]))
    where = (place(entry.get("run"), entry.get("step")), "dim")
    below = [line for part in (*more, *entry.get("error", ())) for line in part.split("\n")]
    return [(f"{moment} ", level, " ", where, message), *((f"    {line}",) for line in below)]


def _path(settings: StackSettings, file: str) -> Path:
    """Return the newest file of a log.

    :raises RequestRefused: there is none, or none of that name.
    """
    if file in FILES:
        path = settings.log_files / f"{file}.log"
        if not path.exists():
            raise RequestRefused(f"nothing was logged yet: there is no {path}")
        return path
    processes = {path.stem: path for path in (settings.home / "logs").glob("*.log")}
    if file not in processes:
        names = ", ".join([*FILES, *sorted(processes.keys() - set(FILES))])
        raise RequestRefused(f"there is no log {file!r}", f"there are {names}")
    return processes[file]


def _older_lines(path: Path, newest: BinaryIO) -> Iterator[bytes]:
    """Yield what a log was before it was rotated, oldest first; without *newest*, should that be rotated just now."""
    for name in [*(f"{path.name}.{number}" for number in range(BACKUPS, 0, -1)), f"{path.name}.old"]:
        with suppress(FileNotFoundError), path.with_name(name).open("rb") as file:
            if not os.path.samestat(os.fstat(file.fileno()), os.fstat(newest.fileno())):
                yield from file


def _filter(run: str | None, step: str | None, level: str | None, since: float | None) -> Callable[[Entry], bool]:
    levels = LEVELS[LEVELS.index(level) :] if level else LEVELS
    # As text: all times in the files are UTC and written alike.
    begin = (datetime.now(UTC) - timedelta(minutes=since)).isoformat() if since is not None else ""

    def keeps(entry: Entry) -> bool:
        return (
            entry["level"] in levels
            and entry["time"] >= begin
            and (not run or entry.get("run", "").startswith(run.lower()))
            and (not step or entry.get("step") == step)
        )

    return keeps


def _shown(keeps: Callable[[Entry], bool], zone: ZoneInfo | None) -> Callable[[bytes], Shown | None]:
    """Return how a JSON line is shown: for people with times in *zone*, or as it is without one; None if it is not kept."""

    def shown(line: bytes) -> Shown | None:
        try:
            entry = orjson.loads(line)
        except orjson.JSONDecodeError:
            return _as_it_is(line)  # cut off when the disk was full, or the power went
        if not keeps(entry):
            return None
        return readable(entry, zone) if zone else _as_it_is(line)

    return shown


def _as_it_is(line: bytes) -> Shown:
    """Show a line as it is, but for colours, which some processes give their own lines."""
    return [(_COLOUR.sub("", line.decode(errors="replace").rstrip("\n")),)]


def _whole_lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines from here on, without one at the end that is still being written."""
    position = file.tell()
    while (line := file.readline()).endswith(b"\n"):
        position += len(line)
        yield line
    file.seek(position)


def _new_lines(path: Path, file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines as they come, for ever, in whichever file that is by then."""
    for _ in polling(interval=_LOOK_SECONDS):
        yield from _whole_lines(file)
        try:
            replaced = not os.path.samestat(path.stat(), os.fstat(file.fileno()))
        except FileNotFoundError:
            continue  # it is being rotated
        if replaced:
            yield from _whole_lines(file)
            file.close()
            file = path.open("rb")
