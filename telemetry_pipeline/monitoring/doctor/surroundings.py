"""Checks of the machine and of what the settings say by themselves, before any server is asked."""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from collections.abc import Iterable
from pathlib import Path

from dotenv import dotenv_values

from telemetry_pipeline.amounts import size
from telemetry_pipeline.errors import TelemetryError, Warned
from telemetry_pipeline.messaging.channels import Channels
from telemetry_pipeline.monitoring.disks import Place, existing
from telemetry_pipeline.settings.addresses import is_loopback, shown
from telemetry_pipeline.settings.loading import OTHER_NAMES, SECRET_NAMES, StackSettings
from telemetry_pipeline.settings.proxies import proxy_for

DISK_BYTES_NEEDED = 2_000_000_000


def check_env_file(file: Path) -> str:
    """Check that others cannot read the secrets in it."""
    if not file.exists():
        return "there is none; settings come from the environment"
    mode = stat.S_IMODE(file.stat().st_mode)
    own = {name: OTHER_NAMES.get(name.lower(), name.lower()) for name, value in dotenv_values(file).items() if value}
    secret = [name for name, ours in own.items() if ours in SECRET_NAMES]
    if mode & 0o077 and secret:
        raise Warned(f"other users of this machine can read {', '.join(secret)} in {file} (mode {mode:o})", f"chmod 600 {file}")
    return f"{file}, mode {mode:o}"


def check_alerts(settings: StackSettings) -> str:
    """Check that messages can be sent to every address of ALERT_URLS without giving its password away. None is sent."""
    channels = list(Channels(settings.alert_urls.get_secret_value()))
    if wrong := [channel.name for channel in channels if not channel.understood]:
        raise TelemetryError(
            f"addresses in ALERT_URLS are not understood: {', '.join(wrong)}",
            "write them as https://appriseit.com/services/ shows; a colon, slash or @ in a password as %3A, %2F, %40",
        )
    if clear := [channel.name for channel in channels if channel.in_clear]:
        raise Warned(
            f"passwords go over the network in clear: {', '.join(clear)}",
            "use the service's secure address: mailtos:// in place of mailto://, jsons:// of json://, and so on",
        )
    return ", ".join(channel.name for channel in channels)


def check_home(home: Path) -> str:
    """Check that the stack can keep its files there."""
    place = existing(home)
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        raise TelemetryError(f"{place} is not a directory that this user may write to", "set TELEMETRY_HOME to another one")
    return f"{home} can be written to"


def check_disks(places: Iterable[Place]) -> str:
    """Check that there is room wherever something is written."""
    room = {}
    for place in places:
        path = existing(place.path)
        try:
            free = shutil.disk_usage(path).free
            # A file is the only way to learn of a quota, and of the inodes.
            if os.access(path, os.W_OK | os.X_OK):
                with tempfile.TemporaryFile(dir=path) as file:
                    file.write(b"x" * 4096)
                    file.flush()
        except OSError as err:
            raise TelemetryError(f"nothing can be written to {path} ({place.name}): {err.strerror}", _MAKE_ROOM) from err
        if free < DISK_BYTES_NEEDED:
            raise TelemetryError(f"{path} ({place.name}) has only {size(free)} of free disk space", _MAKE_ROOM)
        room[place.name] = free
    return ", ".join(f"{name} {size(free)} free" for name, free in room.items())


def check_way_to_panaccess(settings: StackSettings) -> str:
    """Say which proxy calls to PanAccess take, and check that others on their way cannot read them."""
    url = settings.panaccess_url or ""
    if url.startswith("http://") and not is_loopback(url):
        raise Warned(
            f"{shown(url)} is not encrypted: credentials and viewing data can be read on the way",
            "use PANACCESS_URL=https://..., or a private network that encrypts",
        )
    proxy = proxy_for(url)
    return f"by the proxy {shown(proxy)}" if proxy else "directly"


_MAKE_ROOM = "free 2 GB there, or move it: TELEMETRY_HOME, LOG_DIRECTORY, TMPDIR"
