"""How much room there is wherever the pipeline writes on this machine, and which disks are about to be full.

Who asks decides what follows from it: the supervisor says it, the watch tells people, doctor shows it.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from telemetry_pipeline.amounts import size
from telemetry_pipeline.settings.loading import StackSettings

# PostgreSQL alone may need as much within a minute; of a small disk a twentieth.
_LEAST_FREE_BYTES = 200_000_000
_LEAST_FREE_SHARE = 0.05


@dataclass(frozen=True)
class Place:
    """A directory that is written to.

    :ivar name: what it is for.
    """

    name: str
    path: Path


@dataclass(frozen=True)
class Disk:
    """A disk that is written to.

    :ivar names: what it is for. :ivar path: of one of these.
    """

    names: tuple[str, ...]
    path: Path
    free_bytes: int
    total_bytes: int

    @property
    def used_percent(self) -> float:
        """How full it is."""
        return 100 * (1 - self.free_bytes / self.total_bytes) if self.total_bytes else 0.0


def places(settings: StackSettings) -> list[Place]:
    """Return those of this machine; where a PostgreSQL that is not the stack's own keeps its data, only that one knows."""
    home = settings.home
    found = [
        Place("TELEMETRY_HOME", home),
        Place("logs", settings.log_files),
        Place("temporary files", Path(tempfile.gettempdir())),
    ]
    if settings.database_url is None or (home / "postgres").is_dir():
        found.append(Place("PostgreSQL's data", home / "postgres"))
    return found


def shortages(places: Iterable[Place]) -> list[str]:
    """Return a sentence for each disk that is full, nearly so, or cannot be written to, with the path."""
    by_disk: dict[int, list[Place]] = {}
    failing = []
    for place in places:
        try:
            there = existing(place.path)
            by_disk.setdefault(there.stat().st_dev, []).append(Place(place.name, there))
        except OSError as err:
            failing.append(f"{place.path} ({place.name}) cannot be looked at: {err.strerror}")
    return failing + [sentence for on_disk in by_disk.values() if (sentence := _shortage(on_disk))]


def disks(places: Iterable[Place]) -> list[Disk]:
    """Return the disks of these places, those left out that cannot be looked at."""
    by_disk: dict[int, list[Place]] = {}
    for place in places:
        with suppress(OSError):
            there = existing(place.path)
            by_disk.setdefault(there.stat().st_dev, []).append(Place(place.name, there))
    found = []
    for on_disk in by_disk.values():
        disk = os.statvfs(on_disk[0].path)
        names = tuple(dict.fromkeys(place.name for place in on_disk))
        found.append(Disk(names, on_disk[0].path, disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize))
    return found


def existing(path: Path) -> Path:
    """Return the path, or the nearest directory above it that there is."""
    return next(each for each in (path, *path.parents) if each.exists())


def _shortage(on_disk: list[Place]) -> str | None:
    path = on_disk[0].path
    disk = os.statvfs(path)
    free, total = disk.f_bavail * disk.f_frsize, disk.f_blocks * disk.f_frsize
    names = " and ".join(dict.fromkeys(place.name for place in on_disk))
    if disk.f_flag & os.ST_RDONLY:
        return f"the disk of {path} ({names}) is mounted read-only"
    if free < min(_LEAST_FREE_BYTES, _LEAST_FREE_SHARE * total):
        return f"the disk of {path} ({names}) is full: {size(free)} of {size(total)} are free"
    if disk.f_files and disk.f_favail == 0:
        return f"the disk of {path} ({names}) takes no more files: it has none of its {disk.f_files:,} inodes left"
    return None
