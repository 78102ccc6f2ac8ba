"""What this process is at work on: every line says it that is written meanwhile, whoever writes it and in whichever thread."""

from __future__ import annotations

import logging
from dataclasses import dataclass


@dataclass(frozen=True)
class Context:
    """What a process is at work on.

    :ivar step: None between the steps of a run.
    :ivar partition: a day, or the first and the last of a range; None for a run without.
    """

    run: str | None
    step: str | None
    partition: str | None


class Process:
    """This one: a child of a worker executes one step at a time, with many threads."""

    context: Context | None = None


def in_context(record: logging.LogRecord) -> bool:
    """Return a filter that keeps every record, and says what this process is at work on unless the record does."""
    if not hasattr(record, "run"):
        note(record, Process.context or Context(run=None, step=None, partition=None))
    return True


def note(record: logging.LogRecord, context: Context) -> None:
    """Let a record say what was at work when it was written."""
    vars(record).update(run=context.run, step=context.step, partition=context.partition)
