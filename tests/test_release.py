"""``make release`` makes nothing of a commit that is no release, and a wheel and a tag of one that is."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]


def git(folder: Path, *arguments: str) -> str:
    names = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    return subprocess.run(["git", *names, *arguments], cwd=folder, capture_output=True, text=True, check=True).stdout


def release(folder: Path, version: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, PROJECT / ".ci" / "release", version],
        cwd=folder,
        # Without a Docker.
        env={
            "PATH": f"{folder.parent / 'bin'}",
            "GIT_COMMITTER_NAME": "Somebody",
            "GIT_COMMITTER_EMAIL": "somebody@example.com",
        },
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """Of version 1.2.3, with a change log that has it."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "git").symlink_to(str(shutil.which("git")))
    folder = tmp_path / "checkout"
    folder.mkdir()
    (folder / "setup.py").write_text('from setuptools import setup\n\nsetup(name="toy", version="1.2.3", py_modules=[])\n')
    (folder / "CHANGELOG.md").write_text("# Changelog\n\n## [1.2.3] - 2026-11-27\n\n- A toy.\n")
    (folder / ".gitignore").write_text("build/\ndist/\n*.egg-info/\n")
    git(folder, "init", "--quiet")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message", "A toy")
    return folder


def test_a_release_is_a_wheel_and_a_tag(checkout: Path) -> None:
    done = release(checkout, "1.2.3")
    assert done.returncode == 0, done.stderr
    assert git(checkout, "tag").split() == ["v1.2.3"]
    assert [path.name for path in (checkout / "dist").iterdir()] == ["toy-1.2.3-py3-none-any.whl"]
    assert "no image" in done.stdout
    assert "already" in release(checkout, "1.2.3").stderr


@pytest.mark.parametrize(
    ("version", "file", "reason"),
    [
        pytest.param("", None, "VERSION", id="no version"),
        pytest.param("1.3.0", None, "setup.py", id="another version"),
        pytest.param("1.2.3", "new.py", "not committed", id="changes"),
    ],
)
def test_what_is_no_release_is_refused(checkout: Path, version: str, file: str | None, reason: str) -> None:
    if file:
        (checkout / file).touch()
    done = release(checkout, version)
    assert done.returncode == 1
    assert reason in done.stderr
    assert git(checkout, "tag") == ""


def test_a_version_that_the_change_log_does_not_have_is_refused(checkout: Path) -> None:
    (checkout / "CHANGELOG.md").write_text("# Changelog\n\n## [Unreleased]\n")
    git(checkout, "commit", "--quiet", "--all", "--message", "Not yet")
    done = release(checkout, "1.2.3")
    assert "CHANGELOG.md" in done.stderr
    assert git(checkout, "tag") == ""
