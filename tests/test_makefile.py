"""``make setup`` makes .venv anew when what is there cannot work, and only then. (Make tells what it would do.)"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a finished .venv."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    for name in ("Makefile", "setup.py", "requirements-dev.lock"):
        shutil.copy(PROJECT / name, folder)
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / ".venv"], check=True)
    [stamp] = [line.strip() for line in plan(folder).splitlines() if line.endswith("> .venv/ready")]
    subprocess.run(stamp, shell=True, check=True, cwd=folder)
    return folder


def plan(folder: Path, *arguments: str) -> str:
    """What ``make setup`` would do; nothing when all is there."""
    surroundings = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    done = subprocess.run(
        ["make", "--dry-run", "setup", *arguments], cwd=folder, env=surroundings, capture_output=True, text=True, check=True
    )
    return "" if "Nothing to be done" in done.stdout else done.stdout


def test_what_is_there_is_kept(checkout: Path) -> None:
    assert plan(checkout) == ""
    assert plan(checkout, f"PYTHON={sys.executable}") == ""


def test_a_checkout_that_was_moved_is_set_up_anew(checkout: Path) -> None:
    """Programs in .venv name the place where they were made."""
    moved = checkout.rename(checkout.with_name("moved"))
    assert "venv --clear" in plan(moved)


def test_another_checkouts_environment_can_be_shared(checkout: Path) -> None:
    other = checkout.with_name("other")
    other.mkdir()
    for name in ("Makefile", "setup.py", "requirements-dev.lock"):
        shutil.copy2(checkout / name, other)
    (other / ".venv").symlink_to(checkout / ".venv")
    assert plan(other) == ""


def test_another_python_under_it_is_noticed(checkout: Path) -> None:
    """As after an update of the system: its packages are those of another version."""
    python = checkout / ".venv" / "bin" / "python"
    resolved = python.resolve()
    python.unlink()
    python.write_text(f"#!/bin/sh\nexec {resolved} \"$@\" | sed 's/3[.]/4./'\n")
    python.chmod(0o755)
    assert "venv --clear" in plan(checkout)


def test_a_python_that_is_gone_is_noticed(checkout: Path) -> None:
    python = checkout / ".venv" / "bin" / "python"
    python.unlink()
    python.symlink_to("/nowhere/python3.9")
    assert "venv --clear" in plan(checkout)


def test_the_python_that_is_asked_for_is_taken(checkout: Path) -> None:
    other = checkout / "python4"
    other.write_text("#!/bin/sh\necho Python 4.0.0\n")
    other.chmod(0o755)
    assert "venv --clear" in plan(checkout, f"PYTHON={other}")
