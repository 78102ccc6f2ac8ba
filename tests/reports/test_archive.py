"""Files of reports are kept whole, in a directory and in an S3 that is a real server, and what is away says so."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from telemetry_pipeline.analyses.reports import KINDS, Wanted
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import ArchiveError, ArchiveUnavailable, RequestRefused, SettingsError
from telemetry_pipeline.reports.archive.keeping import Archive, open_archive
from telemetry_pipeline.reports.archive.names import is_ours, stem
from telemetry_pipeline.settings.loading import StackSettings

DAY = Period(date(2026, 11, 27), date(2026, 11, 27))
MOMENT = datetime(2026, 11, 28, 14, 0, 3, tzinfo=UTC)
PATH = f"{stem(Wanted(KINDS['daily_report'], DAY), MOMENT)}.pdf"


@pytest.fixture(scope="module")
def s3() -> Iterator[str]:
    """An S3 server with a bucket; returns its address."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    url = f"http://{host}:{port}"
    keys = {"aws_access_key_id": "somebody", "aws_secret_access_key": "something"}
    client = boto3.client("s3", endpoint_url=url, region_name="us-east-1", config=Config(proxies={}), **keys)
    client.create_bucket(Bucket="telemetry")
    yield url
    server.stop()


def in_s3(url: str, bucket: str = "telemetry/informes") -> StackSettings:
    return StackSettings.load(
        reports_url=f"s3://{bucket}",
        aws_endpoint_url=url,
        aws_access_key_id="somebody",
        aws_secret_access_key="something",
    )


@pytest.fixture(params=["directory", "s3"])
def archive(request: pytest.FixtureRequest, tmp_path: Path) -> Archive:
    if request.param == "s3":
        return open_archive(in_s3(request.getfixturevalue("s3")))
    return open_archive(StackSettings.load(telemetry_home=tmp_path))


def test_what_was_put_is_read_and_what_was_deleted_is_not(archive: Archive) -> None:
    body = bytes(range(256)) * 4_000
    archive.put(PATH, body)
    assert archive.read(PATH) == body
    archive.delete([PATH, PATH.replace("pdf", "xlsx")])
    with pytest.raises(RequestRefused, match="is not kept"):
        archive.read(PATH)


def test_only_files_of_reports_that_are_old_enough_are_found_for_deletion(archive: Archive) -> None:
    for path in (PATH, "daily_report/2026/notes.txt", "holiday.jpg"):
        archive.put(path, b"x")
    assert archive.find_ours(datetime.now(UTC) + timedelta(minutes=5)) == [PATH]
    assert archive.find_ours(datetime.now(UTC) - timedelta(minutes=5)) == []


def test_a_directory_is_for_its_owner_alone(tmp_path: Path) -> None:
    open_archive(StackSettings.load(telemetry_home=tmp_path, reports_url="kept/reports"))
    assert (tmp_path / "kept" / "reports").stat().st_mode & 0o077 == 0


def test_an_s3_that_is_away_is_said_to_be(s3: str) -> None:
    away = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    away.start()
    host, port = away.get_host_and_port()
    away.stop()
    with pytest.raises(ArchiveUnavailable, match=r"s3://telemetry/informes does not work"):
        open_archive(in_s3(f"http://{host}:{port}")).put(PATH, b"x")


def test_a_bucket_that_there_is_not_is_said_and_no_secret_is(s3: str) -> None:
    with pytest.raises(ArchiveError, match="there is no s3://nowhere/x; make it, or let REPORTS_URL name another") as told:
        open_archive(in_s3(s3, "nowhere/x")).put(PATH, b"x")
    assert "something" not in str(told.value)


def test_a_directory_that_cannot_be_made_is_refused_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "reports").write_text("a file")
    with pytest.raises(ArchiveError, match="cannot be made"):
        open_archive(StackSettings.load(telemetry_home=tmp_path))


@pytest.mark.parametrize(
    "channel",
    [
        "../../etc/passwd",
        "..",
        "/",
        "a/b\\c",
        "Canal 5 <HD>",
        "\n",
        "ñandú",
        "中文",
        "x" * 500,
        "=cmd()",
        "con.pdf",
        "%2e%2e%2f",
    ],
    ids=repr,
)
def test_a_channels_name_leads_nowhere_else(channel: str) -> None:
    path = f"{stem(Wanted(KINDS['channel_report'], DAY, channel), MOMENT)}.pdf"
    assert is_ours(path)
    assert len(path) < 160


def test_channels_that_are_written_alike_are_told_apart() -> None:
    names = {
        stem(Wanted(KINDS["channel_report"], DAY, channel), MOMENT)[:-6]
        for channel in ("Canal 5", "canal-5", "Canal.5", "CANAL 5")
    }
    assert len(names) == 4


def test_a_name_says_report_days_and_when_it_was_made() -> None:
    month = Wanted(KINDS["monthly_report"], Period(date(2026, 10, 1), date(2026, 10, 31)))
    assert stem(month, MOMENT).startswith("monthly_report/2026/monthly_report_2026-10-01_2026-10-31_20261128T140003Z_")


@pytest.mark.parametrize("url", ["s3:/x", "s3://A_B", "s3://b/../c d", "ftp://x/y", "http://host/x", "s3://b?x=1"])
def test_an_address_that_names_no_place_is_refused(url: str) -> None:
    with pytest.raises(SettingsError, match="REPORTS_URL"):
        StackSettings.load(reports_url=url)
