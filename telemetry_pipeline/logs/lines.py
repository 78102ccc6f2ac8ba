"""What a log line looks like: JSON for machines, text for people; without secrets and without rows that databases quote."""

from __future__ import annotations

import logging
import re
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import Any

from pythonjsonlogger.orjson import OrjsonFormatter

from telemetry_pipeline.printable import printable
from telemetry_pipeline.settings.addresses import redacted

# PostgreSQL quotes the row that it stumbled over, SQLAlchemy the parameters of the statement.
_QUOTED_DATA = re.compile(r"^(DETAIL|CONTEXT|QUERY|STATEMENT|LINE \d+): .*|^\[(SQL|parameters): .*", re.MULTILINE | re.DOTALL)


class JsonFormatter(OrjsonFormatter):
    """One JSON object a line: time, level, logger, pid, message; run, step, partition where known; and what else was given."""

    def __init__(self) -> None:
        super().__init__(
            ["levelname", "name", "process", "run", "step", "partition", "message"],
            rename_fields={"levelname": "level", "name": "logger", "process": "pid"},
            reserved_attrs=[*vars(logging.makeLogRecord({})), "asctime", "data", "taskName"],
            timestamp="time",
        )

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        """Return the fields in the order in which they are read, without those that have no value."""
        moment, message = log_data.pop("time"), without_data(log_data.pop("message"))
        found = {name: value for name, value in log_data.items() if value is not None}
        if exception := found.pop("exc_info", None):
            found["error"] = exception
        return {"time": moment, **found, "message": message}

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """Write a record as JSON that does nothing to a terminal."""
        return printable(super().jsonify_log_record(log_data))

    def formatException(self, ei: Any) -> list[str]:  # type: ignore[override]  # noqa: N802 - logging's name
        """Return the exceptions and where they come from."""
        return list(_error(ei[1]))


class TextFormatter(logging.Formatter):
    """A line for people: time, level, run, step, message; of a longer message the rest below it, further in."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-8s %(place)s%(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """Return the line, with where it was written."""
        fields = vars(record)
        fields["place"] = printable(place(fields["run"], fields["step"]))
        fields["message"] = printable(without_data(record.message), "\n").replace("\n", "\n    ")
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """Return the exceptions and where they come from."""
        return "\n".join(printable(line, "\n") for line in _error(ei[1]))


def place(run: str | None, step: str | None) -> str:
    """Return the beginning of a run's id and the step, as they stand before a message."""
    return f"[{' '.join(part for part in ((run or '')[:8], step) if part)}] " if run or step else ""


def without_data(message: str) -> str:
    """Return a message without secrets in addresses, and without rows and parameters that databases quote; as text that UTF-8
    has.
    """
    text = message.encode("utf-8", "backslashreplace").decode()
    return redacted(_QUOTED_DATA.sub("", text)).rstrip()


def _error(error: BaseException | None) -> Iterator[str]:
    """Yield an exception and its causes, with the lines of code, and of each message its first line: others quote data."""
    while error is not None:
        yield _headline(type(error).__name__, str(error))
        yield from _frames(error.__traceback__)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _headline(name: str, message: str) -> str:
    return without_data(f"{name}: {message}".split("\n")[0])


def _frames(trace: TracebackType | None) -> Iterator[str]:
    for frame in traceback.format_tb(trace):
        yield frame.rstrip("\n")
