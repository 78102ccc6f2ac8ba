"""Where log lines go: JSON files that rotate, shared by all processes, and the process's own output.

No line has values of records or secrets: who logs sees to that, and what libraries put into their messages is taken out in
``lines``. ``telemetry-pipeline logs`` reads the files.
"""

from __future__ import annotations

import logging
import sys
import warnings

from concurrent_log_handler import ConcurrentRotatingFileHandler

from telemetry_pipeline.errors import SettingsError
from telemetry_pipeline.logs.context import in_context
from telemetry_pipeline.logs.lines import JsonFormatter, TextFormatter
from telemetry_pipeline.settings.loading import StackSettings

FILES = ("pipeline", "errors", "upstream")
BACKUPS = 5
UPSTREAM_LOGGER = "telemetry_pipeline.sources.panaccess"
DAGSTER_LOGGER = "telemetry_pipeline.dagster"

_FILE_BYTES = 10_000_000
# Celery says of each task that it came and went, with what it returned; the daemon, four times a minute, that a sensor has
# nothing to do.
_TOO_TALKATIVE = ("celery.app.trace", "celery.worker.strategy", "dagster.daemon.SensorDaemon")


def configure(settings: StackSettings) -> None:
    """Have everything that this process logs written to the files, and to its standard error; once is enough.

    :raises SettingsError: the directory cannot be written to.
    """
    if is_configured():
        return
    root = logging.getLogger()
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
        file.addFilter(in_context)
        file.setFormatter(json)
        root.addHandler(file)
    output = logging.StreamHandler(sys.stderr)
    output.addFilter(_NotOnScreenYet(as_json=settings.log_format == "json"))
    output.addFilter(in_context)
    output.setFormatter(json if settings.log_format == "json" else TextFormatter())
    root.addHandler(output)
    # Libraries say at DEBUG what rows and requests hold.
    root.setLevel(max(logging.INFO, logging.getLevelName(settings.log_level)))
    logging.getLogger("telemetry_pipeline").setLevel(settings.log_level)
    for name in _TOO_TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Dagster says with every step that its setting python_logs is new.
    warnings.filterwarnings("ignore", message=".*yaml-defined logging")


def is_configured() -> bool:
    """Return whether what this process logs is written to the files."""
    return any(isinstance(handler, _Rotating) for handler in logging.getLogger().handlers)


class _Rotating(ConcurrentRotatingFileHandler):
    """A file of ours: run processes and the children of workers write to it at once."""


class _NotOnScreenYet(logging.Filter):
    """Keeps off the output what Dagster prints itself, in its own way, and the thousand calls that went well."""

    def __init__(self, as_json: bool) -> None:
        super().__init__()
        self._as_json = as_json

    def filter(self, record: logging.LogRecord) -> bool:
        if record.name == DAGSTER_LOGGER:
            return self._as_json
        if record.name == UPSTREAM_LOGGER:
            return record.levelno >= logging.WARNING
        return not (record.name.partition(".")[0] == "dagster" and logging.getLogger("dagster").handlers)
