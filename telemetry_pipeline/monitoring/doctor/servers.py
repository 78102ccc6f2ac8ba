"""Checks of the broker, of the workers behind it, of PanAccess and of the server that takes mail."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import redis

from telemetry_pipeline import broker
from telemetry_pipeline.amounts import size
from telemetry_pipeline.errors import TelemetryError
from telemetry_pipeline.messaging.mail import Line, MailServer
from telemetry_pipeline.settings.addresses import shown
from telemetry_pipeline.settings.loading import StackSettings, UpstreamSettings
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient

_WORKER_ANSWERS_SECONDS = 2.0
_UPSTREAM_SECONDS = 10.0
# From here on the next wide run may fill it.
_MEMORY_SHARE_ALLOWED = 0.9


def check_broker(url: str) -> str:
    """Check that Redis or Valkey answers, and takes and keeps what it is given."""
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=5, socket_timeout=5, decode_responses=True) as client:
            info: Any = client.info()
            _check_memory(info)
            _check_writing(client, info)
    except redis.RedisError as err:
        raise TelemetryError(f"no answer: {' '.join(str(err).split())}") from err
    server = "Valkey" if "valkey_version" in info else "Redis"
    return f"{server} {info.get('valkey_version') or info.get('redis_version')}, takes messages"


def _check_memory(info: Any) -> None:
    limit, used = int(info.get("maxmemory", 0)), int(info.get("used_memory", 0))
    if limit and info.get("maxmemory_policy") != "noeviction":
        raise TelemetryError(
            f"it drops messages when its memory is full (maxmemory-policy {info.get('maxmemory_policy')})",
            "set maxmemory-policy to noeviction",
        )
    if limit and used > _MEMORY_SHARE_ALLOWED * limit:
        raise TelemetryError(
            f"its memory is full: {size(used)} of {size(limit)}, and it takes no more messages then",
            "raise maxmemory (config set maxmemory 1gb, and in its configuration file), or delete what else is in it",
        )


def _check_writing(client: Any, info: Any) -> None:
    try:
        client.set("telemetry:doctor", "", px=1)
    except redis.exceptions.ReadOnlyError as err:
        primary = f"{info.get('master_host')}:{info.get('master_port')}"
        raise TelemetryError(
            f"it is a read-only replica of {primary}",
            "set REDIS_URL to the primary's address, or promote this one: replicaof no one",
        ) from err
    except redis.exceptions.ResponseError as err:
        raise TelemetryError(
            f"it does not take messages: {' '.join(str(err).split())}",
            "see its log and its disk (MISCONF), its memory (OOM), and the rights of its user (NOPERM)",
        ) from err


def check_worker(url: str) -> str:
    """Check that Celery workers answer over the broker and serve every queue."""
    answering = broker.workers(url, _WORKER_ANSWERS_SECONDS)
    if not answering:
        raise TelemetryError("no Celery worker answers")
    nodes = f"{len(answering)} answering: {', '.join(worker.node for worker in answering)}"
    if missing := broker.unserved(answering):
        raise TelemetryError(
            f"{nodes}; none takes steps of {', '.join(missing)}", f"start a worker with '-Q {','.join(missing)}'"
        )
    return nodes


def check_panaccess(settings: StackSettings) -> str:
    """Log in to PanAccess, once, and ask whether the session is alive."""
    PanAccessClient.from_settings(UpstreamSettings.with_values_of(settings), at_most_seconds=_UPSTREAM_SECONDS).check()
    return f"{shown(settings.panaccess_url or '')} lets {settings.panaccess_username} in"


def check_mail(settings: StackSettings) -> str:
    """Check that the mail server can be reached, encrypts and lets us in. No mail is sent."""
    server = MailServer.from_settings(settings)
    with closing(Line(server)) as line:
        line.open()
    return f"{server.name} takes mail from {server.sender}"
