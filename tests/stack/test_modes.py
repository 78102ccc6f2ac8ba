"""Under root PostgreSQL runs as another user: nothing outside the home changes its mode for that."""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from telemetry_pipeline.errors import StackError
from telemetry_pipeline.stack.servers import postgres as servers
from telemetry_pipeline.stack.servers.postgres import LocalPostgres

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="PostgreSQL changes its user under root alone")


@pytest.fixture
def folder() -> Iterator[Path]:
    """Closed to others, as that of root is."""
    with tempfile.TemporaryDirectory(prefix="telemetry-") as directory:
        yield Path(directory)


def modes(*trees: Path) -> dict[Path, int]:
    """Of everything in some directories, and above them."""
    found = {path for tree in trees for path in (tree, *tree.parents, *tree.rglob("*"))}
    return {path: path.lstat().st_mode for path in found if not path.is_symlink()}


def refuses(server: LocalPostgres) -> str:
    """The sentence, of one line, with which it does not start."""
    with pytest.raises(StackError) as told:
        server.start()
    server.stop()
    assert "\n" not in str(told.value)
    return str(told.value)


@pytest.mark.slow
@pytest.mark.parametrize("depth", ["home", "closed/home", "open/a folder/home"])
def test_a_home_that_others_cannot_reach_is_told_of_and_nothing_is_opened(folder: Path, depth: str) -> None:
    home = folder / depth
    home.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if depth.startswith("open"):
        folder.chmod(0o711)
        (folder / "open").chmod(0o755)
    (folder / "a secret").write_text("of others")
    (folder / "a secret").chmod(0o600)
    before = modes(folder, servers._postgres_programs().parent)
    said = refuses(LocalPostgres(home))
    after = modes(folder, servers._postgres_programs().parent)
    assert {path: mode for path, mode in after.items() if not path.is_relative_to(home)} == before
    closed = home.parent if depth.startswith("open") else folder
    assert f"may not pass {closed}: " in said

    while "may not pass" in said:
        command = said.partition("let others pass (")[2].partition(")")[0]
        subprocess.run(shlex.split(command), check=True)
        server = LocalPostgres(home)
        try:
            server.start()
            said = ""
        except StackError as err:
            said = str(err)
    with psycopg.connect(server.url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    server.stop()


def test_programs_that_others_cannot_read_are_told_of_and_nothing_is_opened(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root installs them under umask 077."""
    folder.chmod(0o711)
    package = servers._postgres_programs().parent
    libraries = package.parent.with_name(f"{package.parent.name}.libs")
    site = folder / "site-packages"
    for tree in (package, libraries):
        if tree.exists():
            shutil.copytree(tree, site / tree.relative_to(package.parents[1]), symlinks=True)
    subprocess.run(["chmod", "-R", "go-rwx", site], check=True)
    for passed in (site, site / package.parent.name):
        passed.chmod(0o711)
    monkeypatch.setattr(servers, "_postgres_programs", lambda: site / package.relative_to(package.parents[1]) / "bin")
    before = modes(site)
    said = refuses(LocalPostgres(folder / "home"))
    assert modes(site) == before
    if "may not pass" in said:  # the folder of the programs itself
        subprocess.run(shlex.split(said.partition("let others pass (")[2].partition(")")[0]), check=True)
        said = refuses(LocalPostgres(folder / "home"))
    subprocess.run(shlex.split(said.partition(", or: ")[2]), check=True)
    server = LocalPostgres(folder / "home")
    server.start()
    server.stop()


def test_a_home_that_others_reach_opens_itself_alone(folder: Path) -> None:
    folder.chmod(0o711)
    (folder / "beside").mkdir(mode=0o700)
    before = modes(folder)
    server = LocalPostgres(folder / "home")
    server.start()
    server.stop()
    after = modes(folder)
    assert {path: mode for path, mode in after.items() if path in before and not path.is_relative_to(folder / "home")} == {
        path: mode for path, mode in before.items() if path in after
    }
    assert (folder / "home").stat().st_mode & 0o777 == 0o701
    assert (folder / "home" / "postgres").stat().st_mode & 0o777 == 0o700
