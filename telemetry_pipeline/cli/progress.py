"""How a run's progress looks: two moving lines on a terminal, plain lines elsewhere. What it means is in ``follow``."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.text import Text

from telemetry_pipeline.cli.follow import Display, Observation, RunProgress
from telemetry_pipeline.cli.output import duration

_LINE_EVERY_SECONDS = 3.0


@contextmanager
def open_display(title: str) -> Iterator[Display]:
    """The display that fits where standard output goes."""
    if sys.stdout.isatty():
        with TerminalDisplay(title) as display:
            yield display
    else:
        yield LineDisplay()


class LineDisplay:
    """A line at each change of steps, and every few seconds as a sign of life."""

    def __init__(self) -> None:
        self._shown: tuple[dict[str, str], bool] | None = None
        self._shown_at = 0.0

    def update(self, progress: RunProgress) -> None:
        """Print a line if it is time for one."""
        due = time.monotonic() - self._shown_at >= _LINE_EVERY_SECONDS
        now = (dict(progress.states), progress.ended)
        if now != self._shown or due:
            click.echo(f"{progress.percent:3.0f} %  {describe(progress)}")
            self._shown = now
            self._shown_at = time.monotonic()

    def note(self, text: str) -> None:
        """Print a line."""
        click.echo(text)


class TerminalDisplay:
    """A bar for the whole run, and under it a line that says what is at work."""

    def __init__(self, title: str) -> None:
        self._bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            TextColumn("{task.percentage:3.0f} %"),
            TimeElapsedColumn(),
        )
        self._task = self._bar.add_task(title, total=100.0)
        self._live = Live(self._picture("waiting to start"), console=Console())

    def __enter__(self) -> TerminalDisplay:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, progress: RunProgress) -> None:
        """Redraw."""
        self._bar.update(self._task, completed=progress.percent)
        self._live.update(self._picture(describe(progress)))

    def note(self, text: str) -> None:
        """Print a line above what moves."""
        self._live.console.print(Text(text))

    def _picture(self, at_work: str) -> Group:
        return Group(self._bar, Text(f"  {at_work}", no_wrap=True, overflow="ellipsis"))


def describe(progress: RunProgress) -> str:
    """What a run is at, in one line: ``3/12 steps  telemetry_records: 172,000 of 400,000 records, 12 s left``."""
    if not progress.states:
        return "waiting to start"
    counted = f"{progress.steps_done}/{len(progress.states)} steps"
    if progress.ended:
        return f"{counted}  {progress.status.lower()}"
    if progress.status == "CANCELING":
        return f"{counted}  cancelling"
    if not progress.running:
        waiting = {0: "starting", len(progress.states): "ending"}
        return f"{counted}  {waiting.get(progress.steps_done, 'waiting for the next step')}"
    observed = [
        f"{step}: {_observed(progress.observations[step])}" for step in progress.running if step in progress.observations
    ]
    silent = [step for step in progress.running if step not in progress.observations]
    return f"{counted}  {', '.join([*observed, *silent])}"


def _observed(observation: Observation) -> str:
    parts = []
    if observation.records is None:
        parts.append(f"{observation.percent:.0f} %")
    elif observation.total is None:
        parts.append(f"{observation.records:,} records")
    else:
        parts.append(f"{observation.records:,} of {observation.total:,} records")
    if observation.eta_seconds is not None:
        parts.append(f"{duration(max(0.0, observation.eta_seconds))} left")
    return ", ".join(parts)
