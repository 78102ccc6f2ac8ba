"""Disks that are full, each a small one of its own."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from telemetry_pipeline.monitoring.disks import Place, places, shortages
from telemetry_pipeline.settings.loading import StackSettings


def test_a_disk_with_room_is_no_shortage(disk: Path) -> None:
    assert shortages([Place("logs", disk)]) == []


def test_a_full_disk_is_one_sentence_with_its_path_and_what_it_is_for(disk: Path) -> None:
    (disk / "filler").write_bytes(bytes(8_200_000))
    [sentence] = shortages([Place("TELEMETRY_HOME", disk), Place("logs", disk / "logs" / "of the future")])
    assert str(disk) in sentence
    assert "TELEMETRY_HOME and logs" in sentence
    (disk / "filler").unlink()
    assert shortages([Place("TELEMETRY_HOME", disk)]) == []


def test_a_disk_without_inodes_is_full_too(disk: Path) -> None:
    for number in range(63):
        (disk / str(number)).touch()
    assert "inodes" in shortages([Place("logs", disk)])[0]


def test_a_disk_that_became_read_only_is_told(disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    assert "read-only" in shortages([Place("logs", disk)])[0]


def test_every_place_that_is_written_to_is_looked_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "LOG_DIRECTORY"):
        monkeypatch.delenv(name, raising=False)
    settings = StackSettings(telemetry_home=tmp_path, log_directory=tmp_path / "elsewhere")
    found = {place.name: place.path for place in places(settings)}
    assert found["TELEMETRY_HOME"] == tmp_path
    assert found["logs"] == tmp_path / "elsewhere"
    assert found["PostgreSQL's data"] == tmp_path / "postgres"
    assert found["temporary files"].is_dir()


def test_a_place_that_cannot_be_looked_at_is_told_and_hides_no_other(disk: Path) -> None:
    """An error of a disk itself would end the supervisor and the watch, which both look every few seconds."""
    (disk / "filler").write_bytes(bytes(8_200_000))
    found = shortages([Place("logs", disk / ("x" * 300)), Place("TELEMETRY_HOME", disk)])
    assert [sentence.split(" (")[1].split(")")[0] for sentence in found] == ["logs", "TELEMETRY_HOME"]
    assert "cannot be looked at" in found[0]
