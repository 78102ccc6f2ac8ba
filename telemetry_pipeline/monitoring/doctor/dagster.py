"""Checks of Dagster, over its web server."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import SecretStr

from telemetry_pipeline.client.answers import Health
from telemetry_pipeline.client.pipeline import TelemetryClient
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.monitoring.doctor.findings import Examiner, Finding
from telemetry_pipeline.settings.addresses import shown

_NAMES = ("web server", "code", "daemon")


def examine(examiner: Examiner, url: str | None, token: SecretStr | None, advice: str) -> Iterator[Finding]:
    """Examine web server, code and daemon.

    :param url: of the web server. :param token: what is shown there.
    """
    if url is None:
        unknown = "no stack is running, and neither WEBSERVER_URL nor WEB_URL is set"
        yield from (Finding(name, "skipped", unknown) for name in _NAMES)
        return
    client = TelemetryClient(f"{url.rstrip('/')}/graphql", 20, token.get_secret_value() if token else None)
    health: list[Health] = []

    def check_webserver() -> str:
        health.append(client.health())
        return f"Dagster {health[0].version} at {shown(url)}"

    webserver = examiner.examine(_NAMES[0], check_webserver, advice)
    yield webserver
    if webserver.outcome != "ok":
        yield from (Finding(name, "skipped", "it cannot be asked without the web server") for name in _NAMES[1:])
        return
    yield examiner.examine(_NAMES[1], lambda: check_code(health[0]), advice)
    yield examiner.examine(_NAMES[2], lambda: check_daemon(health[0]), advice)


def check_code(health: Health) -> str:
    """Check that the pipeline's code location is loaded."""
    if health.code_problem:
        raise TelemetryError(health.code_problem)
    return "telemetry_pipeline is loaded"


def check_daemon(health: Health) -> str:
    """Check that the parts of the daemon that the pipeline needs show signs of life."""
    if health.silent_daemons:
        raise TelemetryError(f"no sign of life from {', '.join(health.silent_daemons)}")
    return f"{len(health.daemon_ids)} parts show signs of life"
