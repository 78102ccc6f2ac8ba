"""Reads the units as systemd does, with their drop-ins."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

from compose import DOCKER

from telemetry_pipeline.broker import QUEUES

UNITS = DOCKER / "systemd"


class Unit:
    """A unit file of systemd's with its drop-ins."""

    def __init__(self, path: Path, instance: str = "") -> None:
        self.path = path
        self.options: dict[str, list[str]] = {}
        name = path.name.replace("@.", f"@{instance}.") if instance else path.name
        drop_ins = [UNITS / "telemetry-.service.d", UNITS / f"{name}.d"]
        for source in [path, *(file for folder in drop_ins for file in sorted(folder.glob("*.conf")))]:
            for line in source.read_text().splitlines():
                if match := re.fullmatch(r"(\w+)=(.*)", line):
                    if not match[2]:  # it takes back what was said so far
                        self.options.pop(match[1], None)
                        continue
                    self.options.setdefault(match[1], []).append(match[2].replace("%i", instance).replace("%%", "%"))

    @property
    def environment(self) -> dict[str, str]:
        return dict(shlex.split(value)[0].split("=", 1) for value in self.options.get("Environment", []))

    @property
    def command(self) -> list[str]:
        [line] = self.options["ExecStart"]
        for name, value in self.environment.items():
            line = line.replace(f"${{{name}}}", value)
        return shlex.split(line)


def units() -> dict[str, Unit]:
    """All services, the template as one for each queue."""
    found = {path.stem: Unit(path) for path in UNITS.glob("*.service") if "@" not in path.name}
    worker = UNITS / "telemetry-worker@.service"
    return found | {f"telemetry-worker-{queue}": Unit(worker, queue) for queue in QUEUES}
