"""What the child processes find in their environment: the settings, the secrets of theirs among them, and where things are.

Secrets travel no other way: arguments are there for every user of the machine to read.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path

from pydantic import SecretStr

from telemetry_pipeline.settings.addresses import user_and_password
from telemetry_pipeline.settings.loading import SECRET_NAMES, PipelineSettings
from telemetry_pipeline.sockets import FLOWER, OPERATORS, VIEWERS, address
from telemetry_pipeline.stack.processes.service import short_path
from telemetry_pipeline.stack.processes.surroundings import proxies, surroundings

FILES = Path(__file__).parent / "files"
"""Settings of Dagster and Flower. In a checkout they are links to the top of the project, in a wheel the files themselves."""

_PROJECT = str(Path(__file__).resolve().parents[2])
_DATABASES = frozenset({"database_url", "dagster_database_url"})
_STEPS = _DATABASES | {"redis_url"}
_S3 = frozenset({"aws_secret_access_key"})
_INGEST = _STEPS | {"panaccess_password", "panaccess_api_token", "panaccess_salt", "https_proxy"}

SECRETS: Mapping[str, Collection[str]] = {
    "migrate": _DATABASES | {"owner_database_url"},
    "code-server": _STEPS,
    "worker-ingest": _INGEST,
    "worker-analysis": _STEPS,
    "worker-reports": _STEPS | _S3,
    "worker": _INGEST | _S3,
    "webserver": {"dagster_database_url"},
    "web": {"database_url", "redis_url", "web_secret"} | _S3,
    "daemon": _DATABASES,
    "watch": _STEPS | _S3 | {"alert_urls", "smtp_url", "https_proxy"},
    "flower": {"flower_redis_url"},
    "backup": {"owner_database_url", "dagster_database_url"},
    "simulator": (),
}
"""Which process needs which secrets, and is given no other one, wherever it runs.

The processes of runs have those of the code server, which starts them. ``worker`` serves every queue. The daemon puts on record
in the warehouse that a schedule asks for what cannot be. ``https_proxy`` is no setting of ours: whatever names a proxy with its
password, is for who calls PanAccess or sends alerts.
"""


def environment(process: str, settings: PipelineSettings, *, web_url: str = "") -> dict[str, str]:
    """Return the environment of a process of the pipeline: the surroundings, with the settings on top and no secret but its
    own.

    :param process: its name in :data:`SECRETS`.
    :param web_url: of the stack's own front door; people open it there, unless WEB_URL says otherwise.
    """
    variables = surroundings("PG")  # what libpq goes by
    if not _needs_password(process, settings):
        variables.pop("PGPASSWORD", None)
    if "https_proxy" in SECRETS[process]:
        variables |= proxies()
    for name in type(settings).model_fields:
        if name not in SECRET_NAMES or name in SECRETS[process]:
            value = getattr(settings, name)
            text = value.get_secret_value() if isinstance(value, SecretStr) else value
            variables[name.upper()] = "" if text is None else str(text)
    home = settings.home
    return variables | {
        "TELEMETRY_HOME": str(home),
        "DAGSTER_HOME": str(dagster_home(home)),
        "CODE_SERVER_SOCKET": str(code_socket(home)),
        "LOG_DIRECTORY": str(settings.log_files.expanduser().resolve()),
        "PYTHONPATH": os.pathsep.join(filter(None, [_PROJECT, variables.get("PYTHONPATH")])),
        "WEB_SOCKETS": str(sockets := settings.web_sockets or web_sockets(home)),
        "FLOWER_SOCKETS": str(settings.flower_sockets or flower_sockets(home)),
        "WEBSERVER_URL": address(sockets),
        "WEB_URL": settings.web_url or web_url,
        "TELEMETRY_ENV_FILE": "",
        "PYTHONUNBUFFERED": "1",
    }


def _needs_password(process: str, settings: PipelineSettings) -> bool:
    """Return whether it has the address of a database that leaves the password to PGPASSWORD."""
    own = (getattr(settings, name) for name in SECRETS[process] if name.endswith("database_url"))
    return any(not user_and_password(url.get_secret_value())[1] for url in own if url is not None)


def dagster_home(home: Path) -> Path:
    """Return where Dagster's ``dagster.yaml`` and local files are."""
    return home / "dagster"


def web_sockets(home: Path) -> Path:
    """Return the directory of the sockets of Dagster's web server."""
    return short_path(home / "sockets", max(OPERATORS, VIEWERS, key=len))


def flower_sockets(home: Path) -> Path:
    """Return the directory of Flower's sockets, apart, for Flower may write nothing beside the others."""
    return short_path(home / "flower-sockets", FLOWER)


def code_socket(home: Path) -> Path:
    """Return where the code server listens."""
    name = "code-server.sock"
    return short_path(home / "code", name) / name
