"""Where log lines go and what is on them: JSON files that rotate, shared by all processes, and the process's own output.

Every line that is written inside a step carries its run, step and partition, whoever writes it and in whichever thread: what
Dagster logs tells when a step begins and ends in this process. No line has values of records or secrets; who logs sees to
that, and what libraries put into their messages is taken out here. ``telemetry-pipeline logs`` reads the files.
"""

from __future__ import annotations

import logging
import re
import sys
import traceback
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from concurrent_log_handler import ConcurrentRotatingFileHandler
from pythonjsonlogger.orjson import OrjsonFormatter

from telemetry_pipeline.errors import SettingsError
from telemetry_pipeline.printable import printable
from telemetry_pipeline.settings.addresses import redacted
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.tags import partition_text

FILES = ("pipeline", "errors", "upstream")
BACKUPS = 5
UPSTREAM_LOGGER = "telemetry_pipeline.sources.panaccess"

_FILE_BYTES = 10_000_000
_DAGSTER_LOGGER = "telemetry_pipeline.dagster"
# What Dagster says of each step is twenty events below INFO; these are worth a line.
_BEGINNINGS = {"PIPELINE_START", "STEP_START", "STEP_RESTARTED"}
_ENDINGS = {"STEP_SUCCESS", "STEP_SKIPPED", "STEP_FAILURE", "STEP_UP_FOR_RETRY"}
_RUN_ENDINGS = {"PIPELINE_SUCCESS", "PIPELINE_FAILURE", "PIPELINE_CANCELED"}
_WORTH_A_LINE = _BEGINNINGS | _ENDINGS | _RUN_ENDINGS
# Celery says of each task that it came and went, with what it returned; the daemon, four times a minute, that a sensor has
# nothing to do.
_TOO_TALKATIVE = ("celery.app.trace", "celery.worker.strategy", "dagster.daemon.SensorDaemon")

# PostgreSQL quotes the row that it stumbled over, SQLAlchemy the parameters of the statement.
_QUOTED_DATA = re.compile(r"^(DETAIL|CONTEXT|QUERY|STATEMENT|LINE \d+): .*|^\[(SQL|parameters): .*", re.MULTILINE | re.DOTALL)


def configure(settings: StackSettings) -> None:
    """Have everything that this process logs written to the files, and to its standard error; once is enough.

    :raises SettingsError: the directory cannot be written to.
    """
    root = logging.getLogger()
    if any(isinstance(handler, _Rotating) for handler in root.handlers):
        return
    folder = settings.log_files
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        (folder / "pipeline.log").touch(mode=0o600)
    except OSError as err:
        raise SettingsError(f"{folder} cannot be used as LOG_DIRECTORY: {err.strerror}") from err
    json = JsonFormatter()
    for name, takes in (
        ("pipeline", lambda record: record.name != UPSTREAM_LOGGER),
        ("upstream", lambda record: record.name == UPSTREAM_LOGGER),
        ("errors", lambda record: record.levelno >= logging.ERROR),
    ):
        file = _Rotating(folder / f"{name}.log", maxBytes=_FILE_BYTES, backupCount=BACKUPS, encoding="utf-8", chmod=0o600)
        file.addFilter(takes)
        file.addFilter(_in_context)
        file.setFormatter(json)
        root.addHandler(file)
    output = logging.StreamHandler(sys.stderr)
    output.addFilter(_NotOnScreenYet(as_json=settings.log_format == "json"))
    output.addFilter(_in_context)
    output.setFormatter(json if settings.log_format == "json" else TextFormatter())
    root.addHandler(output)
    # Libraries say at DEBUG what rows and requests hold.
    root.setLevel(max(logging.INFO, logging.getLevelName(settings.log_level)))
    logging.getLogger("telemetry_pipeline").setLevel(settings.log_level)
    for name in _TOO_TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Dagster says with every step that its setting python_logs is new.
    warnings.filterwarnings("ignore", message=".*yaml-defined logging")


@dataclass(frozen=True)
class Context:
    """What a process is at work on.

    :ivar step: None between the steps of a run.
    :ivar partition: a day, or the first and the last of a range; None for a run without.
    """

    run: str | None
    step: str | None
    partition: str | None


class _Process:
    """This one: a child of a worker executes one step at a time, with many threads."""

    context: Context | None = None


class DagsterHandler(logging.Handler):
    """What ``dagster.yaml`` names, so that Dagster hands over what it logs about runs and steps, and what steps log."""

    def __init__(self) -> None:
        super().__init__()
        configure(StackSettings.load())

    def emit(self, record: logging.LogRecord) -> None:
        """Keep what is worth a line, and note which step begins or ends in this process."""
        meta: Mapping[str, Any] = getattr(record, "dagster_meta", {})
        context = Context(meta["run_id"], meta["step_key"], partition_text(meta["job_tags"]) or None)
        event = meta["dagster_event"]
        kind = event.event_type_value if event else ""
        if kind in _BEGINNINGS:
            _Process.context = context
        level = max(record.levelno, logging.INFO)
        if (record.levelno >= level or kind in _WORTH_A_LINE) and logging.getLogger(_DAGSTER_LOGGER).isEnabledFor(level):
            line = logging.LogRecord(
                _DAGSTER_LOGGER, level, record.pathname, record.lineno, meta["orig_message"], (), record.exc_info
            )
            _note(line, context)
            if event and (error := getattr(event.event_specific_data, "error", None)):
                vars(line)["error"] = list(_serialized_error(error))
            logging.getLogger(_DAGSTER_LOGGER).handle(line)
        if kind in _ENDINGS and _Process.context == context:
            _Process.context = None


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
        """The fields in the order in which they are read, without those that have no value."""
        moment, message = log_data.pop("time"), without_data(log_data.pop("message"))
        found = {name: value for name, value in log_data.items() if value is not None}
        if exception := found.pop("exc_info", None):
            found["error"] = exception
        return {"time": moment, **found, "message": message}

    def jsonify_log_record(self, log_data: dict[str, Any]) -> str:
        """As JSON that does nothing to a terminal."""
        return printable(super().jsonify_log_record(log_data))

    def formatException(self, ei: Any) -> list[str]:  # type: ignore[override]  # noqa: N802 - logging's name
        """The exceptions and where they come from."""
        return list(_error(ei[1]))


class TextFormatter(logging.Formatter):
    """A line for people: time, level, run, step, message; of a longer message the rest below it, further in."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)-8s %(place)s%(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line, with where it was written."""
        fields = vars(record)
        fields["place"] = printable(place(fields["run"], fields["step"]))
        fields["message"] = printable(without_data(record.message), "\n").replace("\n", "\n    ")
        return super().formatMessage(record)

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """The exceptions and where they come from."""
        return "\n".join(printable(line, "\n") for line in _error(ei[1]))


def place(run: str | None, step: str | None) -> str:
    """The beginning of a run's id and the step, as they stand before a message."""
    return f"[{' '.join(part for part in ((run or '')[:8], step) if part)}] " if run or step else ""


def without_data(message: str) -> str:
    """A message without secrets in addresses, and without rows and parameters that databases quote; as text that UTF-8 has."""
    text = message.encode("utf-8", "backslashreplace").decode()
    return redacted(_QUOTED_DATA.sub("", text)).rstrip()


class _Rotating(ConcurrentRotatingFileHandler):
    """A file of ours: run processes and the children of workers write to it at once."""


class _NotOnScreenYet(logging.Filter):
    """Keeps off the output what Dagster prints itself, in its own way, and the thousand calls that went well."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == _DAGSTER_LOGGER:
            return self._as_json
        if record.name == UPSTREAM_LOGGER:
            return record.levelno >= logging.WARNING
        return not (record.name.partition(".")[0] == "dagster" and logging.getLogger("dagster").handlers)


def _in_context(record: logging.LogRecord) -> bool:
    """A filter that keeps every record, and says what this process is at work on unless the record does."""
    if not hasattr(record, "run"):
        _note(record, _Process.context or Context(run=None, step=None, partition=None))
    return True


def _note(record: logging.LogRecord, context: Context) -> None:
    vars(record).update(run=context.run, step=context.step, partition=context.partition)


def _error(error: BaseException | None) -> Iterator[str]:
    """An exception and its causes, with the lines of code, and of each message its first line: others quote data."""
    while error is not None:
        yield _headline(type(error).__name__, str(error))
        yield from _frames(error.__traceback__)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)


def _serialized_error(error: Any) -> Iterator[str]:
    """The same of an exception as Dagster keeps it."""
    while error is not None:
        yield without_data(error.message.split("\n")[0])
        yield from (line.rstrip("\n") for line in error.stack)
        error = error.cause


def _headline(name: str, message: str) -> str:
    return without_data(f"{name}: {message}".split("\n")[0])


def _frames(trace: TracebackType | None) -> Iterator[str]:
    for frame in traceback.format_tb(trace):
        yield frame.rstrip("\n")
