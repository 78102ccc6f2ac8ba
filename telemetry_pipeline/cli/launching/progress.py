"""How a run's progress looks: two moving lines on a terminal, plain ones elsewhere. What it means is in ``client.progress``."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich import progress as bars
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from telemetry_pipeline.amounts import duration
from telemetry_pipeline.cli.launching.follow import Display
from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.client.progress import Progress
from telemetry_pipeline.printable import printable

_LINE_EVERY_SECONDS = 3.0


@contextmanager
def open_display(title: str) -> Iterator[Display]:
    """Provide the display that fits where standard output goes."""
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

    def update(self, progress: Progress) -> None:
        """Print a line if it is time for one."""
        due = time.monotonic() - self._shown_at >= _LINE_EVERY_SECONDS
        now = (dict(progress.states), progress.ended)
        if now != self._shown or due:
            say(f"{progress.percent:3.0f} %  {describe(progress)}")
            self._shown = now
            self._shown_at = time.monotonic()

    def note(self, text: str) -> None:
        """Print a line."""
        say(text)


class TerminalDisplay:
    """A bar for the whole run, and under it a line that says what is at work."""

    def __init__(self, title: str) -> None:
        self._bar = bars.Progress(
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(),
            bars.TextColumn("{task.percentage:3.0f} %"),
            bars.TimeElapsedColumn(),
        )
        self._task = self._bar.add_task(title, total=100.0)
        self._live = Live(self._picture("waiting to start"), console=Console())

    def __enter__(self) -> TerminalDisplay:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def update(self, progress: Progress) -> None:
        """Redraw."""
        self._bar.update(self._task, completed=progress.percent)
        self._live.update(self._picture(describe(progress)))

    def note(self, text: str) -> None:
        """Print a line above what moves."""
        self._live.console.print(Text(printable(text)))

    def _picture(self, at_work: str) -> Group:
        return Group(self._bar, Text(f"  {printable(at_work)}", no_wrap=True, overflow="ellipsis"))


def describe(progress: Progress) -> str:
    """Return what a run is at, in one line: ``3/12 steps  telemetry_records: 172,000 of 400,000 records, 12 s left``."""
    if not progress.states:
        return progress.message
    said = progress.status.lower() if progress.ended else progress.message
    left = "" if progress.ended or progress.eta_seconds is None else f", {duration(progress.eta_seconds)} left"
    return f"{progress.steps_done}/{progress.steps_total} steps  {said}{left}"
