"""What CI says of known vulnerabilities, whatever the auditor answers."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).parents[1]
WELL = {"name": "click", "version": "8.4.2", "vulns": []}
UNKNOWN = {"name": "amqp", "skip_reason": "Dependency not found on PyPI and could not be audited: amqp (5.4.2)"}
VULNERABLE = {"name": "redis", "version": "7.0.0", "vulns": [{"id": "PYSEC-1", "fix_versions": ["7.0.1"]}]}


def audit(folder: Path, answer: object, status: int = 0, error: str = "") -> subprocess.CompletedProcess[str]:
    auditor = folder / "pip-audit"
    text = answer if isinstance(answer, str) else json.dumps({"dependencies": answer, "fixes": []})
    (folder / "answer").write_text(text)
    auditor.write_text(f"#!/bin/sh\ncat '{folder}/answer'\necho '{error}' >&2\nexit {status}\n")
    auditor.chmod(0o755)
    return subprocess.run(
        [sys.executable, PROJECT / ".ci" / "audit"],
        env={"PIP_AUDIT": str(auditor)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_known_vulnerability_fails_and_says_what_mends_it(tmp_path: Path) -> None:
    done = audit(tmp_path, [WELL, VULNERABLE, UNKNOWN], status=1)
    assert done.returncode == 1
    assert "redis 7.0.0: PYSEC-1, mended in: 7.0.1" in done.stderr


def test_nothing_known_passes(tmp_path: Path) -> None:
    done = audit(tmp_path, [WELL])
    assert (done.returncode, done.stdout, done.stderr) == (0, "no known vulnerability in 1 packages\n", "")


@pytest.mark.parametrize(
    ("answer", "status", "said"),
    [
        ("", 1, "NOT AUDITED: the advisory database cannot be asked: Failed to resolve"),
        ("<html>", 0, "NOT AUDITED: the advisory database cannot be asked"),
        ("{}", 0, "NOT AUDITED: the advisory database cannot be asked"),
        ([UNKNOWN, UNKNOWN], 0, "NOT AUDITED: of 2 of 2 packages"),
        ([UNKNOWN, WELL], 0, "NOT AUDITED: of 1 of 2 packages"),
        ([], 0, "NOT AUDITED: of 0 of 0 packages"),
    ],
    ids=["out of reach", "a page of a proxy", "another form", "a mirror of files alone", "some", "none"],
)
def test_what_was_not_audited_is_told(tmp_path: Path, answer: object, status: int, said: str) -> None:
    done = audit(tmp_path, answer, status, error="Failed to resolve")
    assert done.returncode == 0
    assert said in done.stderr
    assert ("no known" in done.stdout) == (answer == [UNKNOWN, WELL])


def test_without_an_auditor_it_is_told(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, PROJECT / ".ci" / "audit"], env={"PIP_AUDIT": str(tmp_path / "none")}, capture_output=True, text=True
    )
    assert "NOT AUDITED" in done.stderr
