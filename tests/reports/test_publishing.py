"""A report is made, kept and queued whole, once for its days, or not at all; what is old goes."""

from __future__ import annotations

import os
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path

import pytest
import sqlalchemy as sa

from telemetry_pipeline.analyses.reports import KINDS, Wanted
from telemetry_pipeline.days import Period
from telemetry_pipeline.errors import ArchiveUnavailable, Cancelled, RequestRefused, WarehouseUnavailable
from telemetry_pipeline.reports.archive.keeping import Archive, open_archive
from telemetry_pipeline.reports.publishing import publishing
from telemetry_pipeline.reports.publishing.clearing import clear
from telemetry_pipeline.reports.publishing.published import Addressees, Published
from telemetry_pipeline.reports.publishing.publishing import publish
from telemetry_pipeline.reports.publishing.subscribing import subscribe
from telemetry_pipeline.results.views.windows import Store, rules_of
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.warehouse.access.audit import Actor
from telemetry_pipeline.warehouse.outgoing import made_reports, outbox

ANA = Actor("ana", "command")
DAY = Period(date(2025, 1, 31), date(2025, 1, 31))
DAILY = Wanted(KINDS["daily_report"], DAY)
DUE = Addressees(subscribers=True)
Make = Callable[..., StackSettings]


def made(
    engine: sa.Engine, settings: StackSettings, wanted: Wanted = DAILY, addressees: Addressees = DUE, **given: object
) -> Published:
    archive = given.pop("archive", None) or open_archive(settings)
    run_id = given.pop("run_id", None) or str(uuid.uuid4())
    return publish(engine, Store(rules_of(settings)), archive, settings, wanted, addressees, run_id=run_id, **given)  # type: ignore[arg-type]


def files_in(home: Path) -> set[str]:
    return {str(path.relative_to(home / "reports")) for path in (home / "reports").rglob("*") if path.is_file()}


def subscribed(
    engine: sa.Engine, *recipients: str, report: str = "daily_report", channel: str = "", formats: tuple[str, ...] = ("pdf",)
) -> None:
    with engine.begin() as connection:
        subscribe(connection, ANA, report, channel, formats, recipients)


def test_a_mailbox_is_subscribed_once_to_the_same(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        first = subscribe(connection, ANA, "daily_report", "", ["pdf", "xlsx"], ["ana@example.com", "ana@EXAMPLE.com"])
    assert first.recipients == ("ana@example.com",)
    with pytest.raises(RequestRefused, match=rf"ana@example\.com gets .* already, by subscription {first.subscription_id}"):
        subscribed(engine, "eva@example.com", "ana@Example.COM", formats=("xlsx", "pdf"))
    subscribed(engine, "Ana@example.com", formats=("xlsx", "pdf"))
    subscribed(engine, "ana@example.com", formats=("html",))


def test_who_names_no_channel_is_told_which_there_are(two_days: sa.Engine) -> None:
    with pytest.raises(RequestRefused, match=r"there is no channel 'nope'; there are A$"):
        subscribed(two_days, "ana@example.com", report="channel_report", channel="nope")


def messages(engine: sa.Engine) -> list[tuple[str, str, list[str]]]:
    """Recipient, state and the names of what goes along, of every message."""
    with engine.connect() as connection:
        rows = connection.execute(sa.text("select recipient, state, parts from telemetry.outbox order by message_id")).all()
    return [(row.recipient, row.state, [part["name"].rpartition(".")[2] for part in row.parts]) for row in rows]


def test_a_report_is_kept_in_every_format_and_on_record(two_days: sa.Engine, settings_with: Make, tmp_path: Path) -> None:
    published = made(two_days, settings_with())
    assert published.made.is_complete
    assert {file.format for file in published.made.files} >= {"pdf", "xlsx", "html"}
    archive = open_archive(settings_with())
    for file in published.made.files:
        assert len(archive.read(file.path)) == file.bytes
    assert files_in(tmp_path) == {file.path for file in published.made.files}
    with two_days.connect() as connection:
        assert made_reports.find_newest(connection, 5) == [published.made]


def test_what_is_due_goes_to_each_subscriber_once_however_often_it_is_made(two_days: sa.Engine, settings_with: Make) -> None:
    subscribed(two_days, "ana@example.com", "eva@example.com", formats=("pdf", "xlsx"))
    subscribed(two_days, "ana@example.com", formats=("html",))
    subscribed(two_days, "ana@example.com", report="weekly_report")
    first, second = made(two_days, settings_with()), made(two_days, settings_with())
    assert (first.queued, second.queued, second.content) == (3, 0, None)
    assert second.made == first.made
    assert [(to, state) for to, state, _ in messages(two_days)] == [
        ("ana@example.com", "waiting"),
        ("eva@example.com", "waiting"),
        ("ana@example.com", "waiting"),
    ]
    assert [set(names) & {"pdf", "xlsx", "html"} for *_, names in messages(two_days)] == [
        {"pdf", "xlsx"},
        {"pdf", "xlsx"},
        {"html"},
    ]


def test_what_is_attached_is_called_after_report_and_days(two_days: sa.Engine, settings_with: Make) -> None:
    subscribed(two_days, "ana@example.com", formats=("pdf", "xlsx"))
    made(two_days, settings_with())
    with two_days.connect() as connection:
        names = connection.scalars(sa.text("select part ->> 'name' from telemetry.outbox, jsonb_array_elements(parts) as part"))
        assert set(names) == {"picture", "daily_report_2025-01-31.pdf", "daily_report_2025-01-31.xlsx"}


def test_two_that_make_it_at_once_keep_one_and_queue_once(two_days: sa.Engine, settings_with: Make, tmp_path: Path) -> None:
    """Two daemons for a moment, or a schedule and the sensor: both see that it was not made."""
    subscribed(two_days, "ana@example.com")
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda _: made(two_days, settings_with()), range(2)))
    assert sorted(each.queued for each in found) == [0, 1]
    assert found[0].made == found[1].made
    assert files_in(tmp_path) == {file.path for file in found[0].made.files}


def test_one_that_somebody_makes_goes_to_nobody_but_whom_they_name(two_days: sa.Engine, settings_with: Make) -> None:
    subscribed(two_days, "ana@example.com")
    assert made(two_days, settings_with(), addressees=Addressees()).queued == 0
    assert made(two_days, settings_with(), addressees=Addressees(one="eva@example.com")).queued == 1
    assert [to for to, *_ in messages(two_days)] == ["eva@example.com"]
    assert made(two_days, settings_with()).queued == 1, "it was not made because it was due"


def test_a_run_whose_step_begins_anew_behind_the_commit_makes_one_report_and_one_message(
    two_days: sa.Engine, settings_with: Make, tmp_path: Path
) -> None:
    """Its process was killed before it could say that it was done."""
    to_eva = Addressees(one="eva@example.com")
    first, second = (made(two_days, settings_with(), addressees=to_eva, run_id="a-run") for _ in range(2))
    assert (first.queued, second.queued, second.made) == (1, 0, first.made)
    assert [to for to, *_ in messages(two_days)] == ["eva@example.com"]
    assert files_in(tmp_path) == {file.path for file in first.made.files}
    assert made(two_days, settings_with(), addressees=to_eva, run_id="another").queued == 1


def test_beyond_the_limit_a_link_goes_in_place_of_the_files(two_days: sa.Engine, settings_with: Make) -> None:
    subscribed(two_days, "ana@example.com", formats=("pdf", "html"))
    published = made(two_days, settings_with(mail_attachments_mb=0.001, web_url="https://tv.example/x"))
    [(_, _, names)] = messages(two_days)
    assert not {"pdf", "html"} & set(names)
    with two_days.connect() as connection:
        body = connection.scalar(sa.text("select body from telemetry.outbox"))
    assert f"https://tv.example/x/informes/{published.made.report_id}/pdf" in body


@pytest.mark.parametrize("broken", ["pdf", "xlsx", "html"])
def test_what_cannot_be_made_in_one_format_is_not_made_at_all(
    two_days: sa.Engine, settings_with: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    def fail(*_: object) -> bytes:
        raise RuntimeError("no picture")

    subscribed(two_days, "ana@example.com")
    monkeypatch.setitem(publishing.MAKERS, broken, fail)
    with pytest.raises(RuntimeError, match="no picture"):
        made(two_days, settings_with())
    assert not (tmp_path / "reports").exists() or not files_in(tmp_path)
    assert messages(two_days) == []


def test_what_cannot_be_kept_is_not_sent_either(two_days: sa.Engine, settings_with: Make, tmp_path: Path) -> None:
    class Full(Archive):
        kept = 0

        def put(self, path: str, body: bytes) -> None:
            if self.kept:
                raise ArchiveUnavailable("the disk is full")
            self.kept += 1
            open_archive(settings_with()).put(path, body)

        def delete(self, paths: object) -> None:
            open_archive(settings_with()).delete(paths)  # type: ignore[arg-type]

    subscribed(two_days, "ana@example.com")
    with pytest.raises(ArchiveUnavailable):
        made(two_days, settings_with(), archive=Full.__new__(Full))
    assert files_in(tmp_path) == set()
    assert messages(two_days) == []


def test_while_nobody_knows_whether_it_is_on_record_its_files_stay(
    two_days: sa.Engine, settings_with: Make, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A commit whose answer is lost may have been one: mails would go out without their files."""

    def lost(*_: object) -> int:
        raise WarehouseUnavailable("the connection was lost")

    monkeypatch.setattr(outbox, "put", lost)
    with pytest.raises(WarehouseUnavailable):
        made(two_days, settings_with())
    assert len(files_in(tmp_path)) == 4


def test_an_archive_that_is_away_when_it_is_tidied_hides_no_error(two_days: sa.Engine, settings_with: Make) -> None:
    class Away(Archive):
        def put(self, path: str, body: bytes) -> None:
            raise ArchiveUnavailable("the first one")

        def delete(self, paths: object) -> None:
            raise ArchiveUnavailable("the second one")

    with pytest.raises(ArchiveUnavailable, match="the first one"):
        made(two_days, settings_with(), archive=Away.__new__(Away))


def test_a_run_that_ends_before_the_commit_leaves_nothing(two_days: sa.Engine, settings_with: Make, tmp_path: Path) -> None:
    def stop() -> None:
        raise Cancelled("somebody cancelled it")

    subscribed(two_days, "ana@example.com")
    with pytest.raises(Cancelled):
        made(two_days, settings_with(), checkpoint=stop)
    assert (files_in(tmp_path), messages(two_days)) == (set(), [])


def test_days_without_data_and_channels_that_there_are_not_are_refused(two_days: sa.Engine, settings_with: Make) -> None:
    nothing = Period(date(2024, 1, 1), date(2024, 1, 1))
    with pytest.raises(RequestRefused, match="nobody watched"):
        made(two_days, settings_with(), Wanted(KINDS["daily_report"], nothing))
    with pytest.raises(RequestRefused, match="B"):
        made(two_days, settings_with(), Wanted(KINDS["channel_report"], DAY, "B"))


def test_a_report_of_incomplete_days_says_so(two_days: sa.Engine, settings_with: Make) -> None:
    with two_days.begin() as connection:
        connection.execute(sa.text("update telemetry.sync_state set complete_before = '2025-01-31'"))
    published = made(two_days, settings_with())
    assert not published.made.is_complete
    assert published.content
    assert published.content.notices


def test_what_is_old_goes_with_its_files_and_what_nobody_has_on_record(
    two_days: sa.Engine, settings_with: Make, tmp_path: Path
) -> None:
    subscribed(two_days, "ana@example.com")
    archive = open_archive(settings_with())
    old, new = made(two_days, settings_with()).made, made(two_days, settings_with(), addressees=Addressees()).made
    stray = "daily_report/2025/daily_report_2025-01-31_20250201T140000Z_abcdef.pdf"
    young = stray.replace("abcdef", "fedcba")
    for path in (stray, young, "daily_report/2025/mine.txt"):
        archive.put(path, b"x")
    os.utime(tmp_path / "reports" / stray, (0, 0))
    os.utime(tmp_path / "reports" / "daily_report/2025/mine.txt", (0, 0))
    with two_days.begin() as connection:
        connection.execute(
            sa.text("update telemetry.made_reports set made_at = now() - interval '11 days' where report_id = :id"),
            {"id": old.report_id},
        )
    reports, gone, _ = clear(two_days, archive, 10)
    assert (reports, gone) == (1, 0), "a message that waits is still to be sent"
    assert files_in(tmp_path) == {*(file.path for file in new.files), young, "daily_report/2025/mine.txt"}


@pytest.mark.parametrize(
    ("report", "channel", "formats", "recipients", "said"),
    [
        ("dayly_report", "", ("pdf",), ("a@b.mx",), "daily_report"),
        ("daily_report", "A", ("pdf",), ("a@b.mx",), "about all channels"),
        ("channel_report", "", ("pdf",), ("a@b.mx",), "about one channel"),
        ("channel_report", "b", ("pdf",), ("a@b.mx",), "there is no channel 'b'"),
        ("daily_report", "", ("doc",), ("a@b.mx",), "pdf, xlsx, html"),
        ("daily_report", "", ("pdf",), ("ana",), "'ana' is no mail address"),
        ("daily_report", "", ("pdf",), ("a@b.mx\r\nBcc: x@y.mx",), "no mail address"),
        ("daily_report", "", ("pdf",), ("a@b.mx, c@d.mx",), "no mail address"),
        ("daily_report", "", ("pdf",), ("-oQ/tmp@b.mx\0",), "no mail address"),
        ("daily_report", "", ("pdf",), ("",), "0 recipients"),
    ],
)
def test_what_cannot_be_sent_is_refused_when_somebody_subscribes(
    engine: sa.Engine, report: str, channel: str, formats: tuple[str, ...], recipients: tuple[str, ...], said: str
) -> None:
    with engine.begin() as connection, pytest.raises(RequestRefused) as refused:
        subscribe(connection, ANA, report, channel, formats, recipients)
    assert said in str(refused.value)
