"""Which reports are due, on any clock, and what becomes of them; decided without a server."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.analyses.reports import KINDS
from telemetry_pipeline.days import Completeness, Period
from telemetry_pipeline.reports.publishing.due import Decision, Due, Waiting, came_due, decide, last_due
from telemetry_pipeline.settings.reports import ReportSettings

MEXICO, BERLIN, HOWE = ZoneInfo("America/Mexico_City"), ZoneInfo("Europe/Berlin"), ZoneInfo("Australia/Lord_Howe")
SETTINGS = ReportSettings()
DAILY = KINDS["daily_report"]


def due_of(name: str, now: datetime, zone: ZoneInfo = MEXICO, settings: ReportSettings = SETTINGS) -> Due:
    [found] = [each for each in last_due(settings, zone, now) if each.kind.name == name]
    return found


def at(text: str, zone: ZoneInfo = MEXICO) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def test_at_its_hour_a_report_is_of_the_last_day_week_or_month_that_is_over() -> None:
    monday_the_first = at("2026-06-01T10:00:00")
    assert due_of("daily_report", monday_the_first).period == Period(date(2026, 5, 31), date(2026, 5, 31))
    assert due_of("weekly_report", monday_the_first).period == Period(date(2026, 5, 25), date(2026, 5, 31))
    assert due_of("monthly_report", monday_the_first).period == Period(date(2026, 5, 1), date(2026, 5, 31))
    assert due_of("channel_report", monday_the_first).period == Period(date(2026, 5, 1), date(2026, 5, 31))


def test_before_its_hour_it_is_the_one_before() -> None:
    assert due_of("daily_report", at("2026-06-01T07:59:59")).period.last == date(2026, 5, 30)
    assert due_of("weekly_report", at("2026-06-01T08:59:59")).period.last == date(2026, 5, 24)
    assert due_of("monthly_report", at("2026-06-01T09:59:59")).period.last == date(2026, 4, 30)


def test_a_week_of_two_years_is_an_iso_week() -> None:
    assert due_of("weekly_report", at("2027-01-04T09:00:00")).period == Period(date(2026, 12, 28), date(2027, 1, 3))


@pytest.mark.parametrize("cron", ["30 2 * * *", "0 0 * * *", "15 1 * * *"])
@pytest.mark.parametrize("zone", [BERLIN, HOWE, MEXICO], ids=str)
def test_every_day_of_a_year_is_due_once_whatever_the_clock_does(cron: str, zone: ZoneInfo) -> None:
    """A change of the clock skips 2:30, or has it twice; whoever looks each quarter of an hour meets every day in order."""
    settings = ReportSettings(daily_report_cron=cron)
    now, end = datetime(2026, 1, 2, 12, tzinfo=UTC), datetime(2027, 1, 2, 12, tzinfo=UTC)
    seen: list[date] = []
    while now < end:
        day = due_of("daily_report", now, zone, settings).period.first
        if day not in seen:
            seen.append(day)
        changes = now.astimezone(zone).utcoffset() != (now + timedelta(days=1)).astimezone(zone).utcoffset()
        now += timedelta(minutes=15) if changes else timedelta(hours=12)
    assert seen == [seen[0] + timedelta(days=n) for n in range(len(seen))]
    assert len(seen) in (365, 366)


def came(after: str, now: str, **given: object) -> list[str]:
    found = came_due(ReportSettings.model_validate(given), MEXICO, at(after), at(now))
    return [str(each.period.first) for each in found if each.kind is DAILY]


def test_what_came_due_while_nobody_looked_is_due_for_each_of_its_days() -> None:
    assert came("2026-06-01T08:00:00", "2026-06-01T20:00:00") == []
    assert came("2026-06-01T07:59:59", "2026-06-01T08:00:00") == ["2026-05-31"]
    assert came("2026-06-01T07:00:00", "2026-06-03T09:00:00") == ["2026-06-02", "2026-06-01", "2026-05-31"]
    assert len(came("2026-01-01T07:00:00", "2026-06-03T09:00:00")) == 31


def test_one_hour_is_of_all_days_since_the_one_before() -> None:
    weekdays = {"daily_report_cron": "0 8 * * 1-5"}
    friday_to_monday = ("2026-06-05T09:00:00", "2026-06-08T09:00:00")
    assert came(*friday_to_monday, **weekdays) == ["2026-06-07", "2026-06-06", "2026-06-05"]
    assert came("2026-06-01T07:00:00", "2026-06-01T21:00:00", daily_report_cron="0 8,20 * * *") == ["2026-05-31"]


class TestWhatWaits:
    def names(self, waiting: Waiting) -> list[str]:
        return [due.name for due, _ in waiting.seen if due.kind is DAILY]

    def look(self, waiting: Waiting, now: str) -> Waiting:
        return Waiting.read(waiting.looked_at(SETTINGS, MEXICO, at(now), at(now)).written())

    def test_it_waits_until_it_is_taken_out_whatever_comes_due_behind_it(self) -> None:
        first = self.look(Waiting(), "2026-06-01T09:00:00")
        assert self.names(first) == ["daily_report:2026-05-31"]
        second = self.look(first, "2026-06-02T09:00:00")
        assert self.names(second) == ["daily_report:2026-05-31", "daily_report:2026-06-01"]
        since = {due.name: seen for due, seen in second.seen}
        assert since["daily_report:2026-05-31"] == at("2026-06-01T09:00:00")
        taken = replace(second, seen=second.seen[-1:])
        assert "daily_report:2026-05-31" not in self.names(self.look(taken, "2026-06-02T10:00:00"))

    def test_a_clock_that_was_ahead_is_believed_no_longer(self) -> None:
        ahead = self.look(Waiting(), "2035-06-01T09:00:00")
        assert self.names(self.look(ahead, "2026-06-02T09:00:00")) == ["daily_report:2026-06-01"]

    def test_a_clock_that_is_set_back_a_little_loses_nothing_that_waits(self) -> None:
        waiting = self.look(self.look(Waiting(), "2026-06-01T09:00:00"), "2026-06-02T09:00:00")
        back = self.look(waiting, "2026-06-02T08:50:00")
        assert self.names(back) == self.names(waiting)
        assert max(seen for _, seen in back.seen) == at("2026-06-02T08:50:00")

    def test_what_an_earlier_version_noted_is_not_taken_for_anything(self) -> None:
        assert Waiting.read('{"daily_report:2026-05-31": "2026-06-01T09:00:00+00:00"}') == Waiting()
        assert Waiting.read(None) == Waiting()


@given(jumps=st.lists(st.integers(-180, 180), min_size=1, max_size=40), minute=st.integers(0, 24 * 60 - 1))
def test_a_clock_that_jumps_over_the_hour_back_and_forth_names_each_report_once(jumps: list[int], minute: int) -> None:
    """The name is what is made once: back and forth over eight o'clock, no third name appears beside those of both days."""
    now = datetime(2026, 5, 10, tzinfo=MEXICO) + timedelta(minutes=minute)
    earliest = latest = now
    names = {due_of("daily_report", now).name}
    for jump in jumps:
        now += timedelta(minutes=jump)
        earliest, latest = min(earliest, now), max(latest, now)
        names.add(due_of("daily_report", now).name)
    eights = [
        datetime.combine(earliest.date() + timedelta(days=n), time(8), MEXICO)
        for n in range((latest.date() - earliest.date()).days + 1)
    ]
    assert len(names) <= 1 + sum(earliest < eight <= latest for eight in eights)


class TestWhatBecomesOfOne:
    NOW = at("2026-06-10T09:00:00")
    DUE = Due(DAILY, Period(date(2026, 6, 9), date(2026, 6, 9)), at("2026-06-10T08:00:00"))
    INCOMPLETE = Completeness(complete_before=date(2026, 6, 9), first_day=date(2026, 1, 1))

    def decided(self, known: Completeness, after_hours: float = 1, seen: datetime | None = None, **given: object) -> Decision:
        settings = ReportSettings.model_validate(given)
        return decide(self.DUE, known, self.DUE.since + timedelta(hours=after_hours), seen or self.DUE.since, settings)

    def test_it_is_made_when_its_days_are_complete(self) -> None:
        known = Completeness(complete_before=date(2026, 6, 10), first_day=date(2026, 1, 1))
        assert self.decided(known) is Decision.MAKE

    def test_it_waits_for_them_until_the_deadline(self) -> None:
        assert self.decided(self.INCOMPLETE, 3.9) is Decision.WAIT
        assert self.decided(self.INCOMPLETE, 4.1) is Decision.MAKE_INCOMPLETE
        assert self.decided(self.INCOMPLETE, 4.1, incomplete_reports="withhold") is Decision.WITHHOLD
        assert self.decided(self.INCOMPLETE, 1.1, report_deadline_hours=1) is Decision.MAKE_INCOMPLETE

    def test_after_a_night_in_which_nothing_ran_it_is_given_its_time(self) -> None:
        """The sync has hours to catch up with; the deadline was over before anybody looked."""
        seen = self.DUE.since + timedelta(hours=10)
        assert self.decided(self.INCOMPLETE, 10.5, seen) is Decision.WAIT
        assert self.decided(self.INCOMPLETE, 14.5, seen) is Decision.MAKE_INCOMPLETE

    def test_there_is_none_of_days_before_the_first_data(self) -> None:
        assert self.decided(Completeness(), 100) is Decision.NOTHING
        assert self.decided(Completeness(first_day=date(2026, 6, 10)), 100) is Decision.NOTHING
        assert self.decided(Completeness(), 3.9) is Decision.WAIT

    def test_a_gap_in_its_days_counts_as_incomplete(self) -> None:
        known = Completeness(
            complete_before=date(2026, 6, 10), first_day=date(2026, 1, 1), gaps=((date(2026, 6, 9), date(2026, 6, 9)),)
        )
        assert self.decided(known) is Decision.WAIT
