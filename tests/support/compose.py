"""Reads the compose files as compose does, and runs a service without a container: same command, environment and secrets.

What only containers have is put in place of: paths and names of hosts are replaced; each service has a folder of its own, and
those that compose has it share.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from telemetry_pipeline.stack.processes import orphans
from telemetry_pipeline.stack.processes.service import private_directory, short_path

PROJECT = Path(__file__).parents[2]
DOCKER = PROJECT / "docker"
Spec = dict[str, Any]

PRODUCTION = [["compose.yaml"], ["compose.yaml", "compose.small.yaml"]]
WORKERS = [
    ["compose.worker.yaml"],
    ["compose.worker.yaml", "compose.worker.ingest.yaml"],
    ["compose.worker.yaml", "compose.worker.reports.yaml"],
]
ALL = [*PRODUCTION, ["compose.yaml", "compose.private.yaml"], *WORKERS]


def by_name(files: list[str]) -> str:
    return "+".join(name.removesuffix(".yaml") for name in files)


def load(*names: str) -> Spec:
    """The files of ``docker/``, the later ones on top of the earlier ones."""
    merged: Spec = {}
    for name in names:
        merged = _merge(merged, yaml.safe_load((DOCKER / name).read_text()))
    merged["services"] = {name: spec for name, spec in merged["services"].items() if "profiles" not in spec}
    return merged


def _merge(below: Any, above: Any, key: str = "") -> Any:
    if isinstance(below, dict) and isinstance(above, dict):
        return below | {name: _merge(below.get(name), value, name) for name, value in above.items()}
    if isinstance(below, list) and isinstance(above, list) and key not in ("command", "entrypoint", "test"):
        return below + above
    return above


def interpolated(text: str) -> str:
    """With the defaults of ``${NAME:-default}``, and ``$`` for ``$$``."""
    return re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).replace("$$", "$")


def is_ours(spec: Spec) -> bool:
    """Does it run our image?"""
    return "telemetry-pipeline" in spec["image"]


def image_environment() -> dict[str, str]:
    """What the Dockerfile's last stage sets."""
    text = (DOCKER / "Dockerfile").read_text().replace("\\\n", " ")
    [line] = re.findall(r"^ENV (.*)$", text, re.MULTILINE)
    return dict(word.split("=", 1) for word in shlex.split(line))


def image_entrypoint() -> list[str]:
    """What the Dockerfile's last stage sets."""
    [line] = re.findall(r"^ENTRYPOINT (\[.*\])$", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)
    entrypoint: list[str] = yaml.safe_load(line)
    return entrypoint


def image_workdir() -> str:
    """What the Dockerfile's last stage sets."""
    return str(re.findall(r"^WORKDIR (.*)$", (DOCKER / "Dockerfile").read_text(), re.MULTILINE)[-1])


def mounts(spec: Spec) -> dict[str, tuple[str, bool]]:
    """Which volume or file is where, and whether it can be written to."""
    parts = [volume.split(":") for volume in spec.get("volumes", [])]
    return {target: (source, "ro" not in options) for source, target, *options in parts}


def env_file(text: str) -> dict[str, str]:
    """NAME=value lines."""
    lines = (line for line in text.splitlines() if line and not line.startswith("#"))
    return dict(line.split("=", 1) for line in lines)


class Machine:
    """Where services run: an installation, the secrets, and which address stands for which.

    :param folder: of its own; holds the installation, the secrets and a home for each service.
    :param replaced: texts in commands, environments, health checks and secrets, and what takes their place.
    """

    def __init__(self, folder: Path, replaced: Mapping[str, str], settings: Mapping[str, str], path: str) -> None:
        self.folder = folder.resolve()
        self.settings = settings
        self.path = path
        self._replaced = dict(replaced)
        self.installation = folder / "opt"
        (self.installation / "docker").mkdir(parents=True)
        for name in ("dagster.yaml", "workspace.yaml", "flowerconfig.py"):
            (self.installation / name).write_bytes((PROJECT / name).read_bytes())
        for name in ("entrypoint", "health", "answers", "backup", "restore", "connection"):
            script = self.installation / "docker" / name
            script.write_bytes((DOCKER / name).read_bytes())
            script.chmod(0o755)
        self.secrets = folder / "secrets"
        self.code = short_path(self.folder / "code", "code-server.sock")
        private_directory(self.code, None)
        subprocess.run([DOCKER / "make-secrets", self.secrets], check=True, capture_output=True)
        for secret in self.secrets.iterdir():
            secret.write_text(self.resolve(secret.read_text()))

        orphans.watch(self.folder)

    def stop(self) -> None:
        """End whatever runs here."""
        orphans.sweep(self.folder, seconds=5)
        orphans.dismiss(self.folder)

    def resolve(self, text: str) -> str:
        """The text as it is on this machine."""
        for old, new in self._replaced.items():
            text = new.join(re.split(rf"(?<![\w.]){re.escape(old)}(?!\w)", text))
        return text


class Container:
    """One service as a process.

    :param spec: what the compose file says of it.
    :param volumes: the folder of its named volumes; without, those of the machine's other services.
    """

    def __init__(self, machine: Machine, name: str, spec: Spec, volumes: Path | None = None) -> None:
        self.name = name
        self.spec = spec
        self.home = machine.folder / name
        self.volumes = volumes or machine.folder / "volumes"
        self.log = machine.folder / f"{name}.log"
        self._machine = machine
        self._process: subprocess.Popen[bytes] | None = None
        secrets = self.home / "secrets"
        secrets.mkdir(parents=True)
        for secret in spec.get("secrets", []):
            (secrets / secret).write_bytes((machine.secrets / f"{secret}.txt").read_bytes())
        (self.home / "tmp").mkdir()
        for folder in self._folders().values():
            folder.mkdir(parents=True, exist_ok=True)
        self.directory = self.resolve(image_workdir()) if is_ours(spec) else self.home
        variables = image_environment() if is_ours(spec) else {}
        if "env_file" in spec:
            variables |= machine.settings
        variables |= {key: str(value) for key, value in spec.get("environment", {}).items()}
        variables = {key: self.resolve(value) for key, value in variables.items()}
        self.environment = variables | {
            "PATH": f"{machine.installation / 'docker'}:{Path(sys.executable).parent}:{machine.path}",
            "HOSTNAME": name,
            "TMPDIR": str(self.home / "tmp"),
            "HOME": str(self.home),
            "SECRETS_DIRECTORY": str(secrets),
            "PYTHONWARNINGS": "ignore",
            orphans.MARKER: str(machine.folder),
        }

    @property
    def pid(self) -> int:
        """Of the process that was started."""
        assert self._process is not None
        return self._process.pid

    @property
    def exit_status(self) -> int | None:
        """Of the process that was started, once it has ended."""
        assert self._process is not None
        return self._process.poll()

    def start(self) -> None:
        """Start the process."""
        entrypoint = self.spec.get("entrypoint", image_entrypoint() if is_ours(self.spec) else [])
        command = [self.resolve(word) for word in [*entrypoint, *self.spec["command"]]]
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                command, env=self.environment, cwd=self.directory, stdout=log, stderr=log, start_new_session=True
            )

    def execute(self, *command: str) -> subprocess.CompletedProcess[str]:
        """As ``docker compose exec`` and health checks: with the environment, but without what the entrypoint adds."""
        return subprocess.run(command, env=self.environment, cwd=self.directory, capture_output=True, text=True, timeout=60)

    def is_healthy(self) -> bool:
        """Run the health check."""
        kind, *words = [self.resolve(word) for word in self.spec["healthcheck"]["test"]]
        return self.execute(*(words if kind == "CMD" else ["sh", "-c", *words])).returncode == 0

    def stop(self) -> None:
        """As compose does; does nothing if it has ended."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(60)

    def resolve(self, text: str) -> str:
        """The text as it is for this service."""
        text = self._machine.resolve(interpolated(text))
        places = {
            **self._folders(),
            "/opt/telemetry": self._machine.installation,
            "/run/secrets": self.home / "secrets",
            "%h": self.name,
        }
        for place, stand_in in sorted(places.items(), reverse=True):  # what begins with another one before it
            text = text.replace(place, str(stand_in))
        return text

    def _folders(self) -> dict[str, Path]:
        """What stands in for its named volumes, and for the file system in memory that is its home."""
        named = {target: source for target, (source, _) in mounts(self.spec).items() if not source.startswith(".")}
        found = {target: self._machine.code if source == "code" else self.volumes / source for target, source in named.items()}
        return found | {target: self.home for target in self.spec.get("tmpfs", []) if target.startswith("/var/")}
