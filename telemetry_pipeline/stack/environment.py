"""What the child processes find in their environment: every setting, and where things are.

Secrets travel no other way: arguments are there for every user of the machine to read.
"""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import SecretStr

from telemetry_pipeline.settings import Settings


def environment(settings: Settings, *, code_server_port: int = 0, webserver_url: str = "") -> dict[str, str]:
    """The environment of a process of the pipeline: this process's own, with the settings on top.

    :param code_server_port: where ``workspace.yaml`` finds the code; 0 for processes that do not ask.
    :param webserver_url: of the stack's own web server; people open it there, too, unless WEB_URL says otherwise.
    """
    variables = dict(os.environ)
    for name in type(settings).model_fields:
        value = getattr(settings, name)
        text = value.get_secret_value() if isinstance(value, SecretStr) else value
        variables[name.upper()] = "" if text is None else str(text)
    home = settings.home
    variables["WEB_URL"] = settings.web_url or webserver_url
    return variables | {
        "TELEMETRY_HOME": str(home),
        "DAGSTER_HOME": str(dagster_home(home)),
        "WEBSERVER_URL": webserver_url,
        "CODE_SERVER_HOST": "127.0.0.1",
        "CODE_SERVER_PORT": str(code_server_port),
        "PYTHONUNBUFFERED": "1",
    }


def dagster_home(home: Path) -> Path:
    """Where Dagster's ``dagster.yaml`` and local files are."""
    return home / "dagster"
