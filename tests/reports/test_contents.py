"""What reports say: right figures, of the right days, and what readers have to know; or a refusal, and no report."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from analyses.oracle import View
from report_contents import LAST, WEEK, Asked, content, content_of, views

from telemetry_pipeline.analyses.reports import KINDS
from telemetry_pipeline.days import EVERYTHING, Completeness, Period
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.reports.content.content import Content

BEFORE = WEEK.before()
MOMENT = datetime(2026, 1, 15, 1, tzinfo=UTC)  # 19:00 of the last day, where the operator is


def figures(report: Content) -> dict[str, tuple[str, str]]:
    return {each.term: (each.value, each.previous) for each in report.figures}


def counted(days: Period, channel: str | None = None) -> list[View]:
    return [each for each in views() if days.first <= each.local_date <= days.last and channel in (None, each.channel_name)]


def test_figures_are_those_of_the_days_against_as_many_before() -> None:
    now, before = counted(WEEK), counted(BEFORE)
    assert figures(content("weekly_report"))["view"] == (f"{len(now)}", f"{len(before)}")
    assert figures(content("weekly_report"))["subscriber"] == (
        str(len({each.subscriber_code for each in now})),
        str(len({each.subscriber_code for each in before})),
    )


def test_a_channels_figures_are_its_own() -> None:
    found = figures(content("channel_report"))
    hours = sum(each.seconds for each in counted(WEEK, "Uno")) / 3600
    assert found["view"] == (f"{len(counted(WEEK, 'Uno'))}", f"{len(counted(BEFORE, 'Uno'))}")
    assert found["watch_hours"][0] == f"{hours:,.0f}"
    assert found["share"][0] == f"{100 * hours / (sum(each.seconds for each in counted(WEEK)) / 3600):.1f} %"
    assert float(found["average_audience"][0]) == pytest.approx(hours / (7 * 24), rel=0.01)


def test_a_channels_report_says_nothing_of_others_but_where_viewers_came_from_and_went() -> None:
    report = content("channel_report")
    for section in report.sections:
        frame = section.result.frame
        assert section.result.info.row_count == len(frame) > 0
        names = [frame[each] for each in ("channel", "from_channel", "to_channel") if each in frame]
        assert all("Uno" in row for row in zip(*names, strict=True))


def test_a_channels_days_are_all_there_with_nothing_where_nobody_watched() -> None:
    quiet = LAST - timedelta(days=2)
    ask = Asked([each for each in views() if (each.local_date, each.channel_name) != (quiet, "Uno")])
    report = content_of("channel_report", ask, channel="Uno")
    daily = report.sections[0].result.frame
    assert list(daily["period_start"]) == WEEK.days()
    assert list(daily["views"]) == [len([e for e in counted(Period(d, d), "Uno") if d != quiet]) for d in WEEK.days()]
    assert report.notices == ("Nadie vio este canal: lun 12 ene 2026.",)


def test_of_very_many_days_a_channel_has_its_months() -> None:
    report = content_of("channel_report", Asked(views()), channel="Uno", period=Period(LAST.replace(month=1, year=2025), LAST))
    daily = report.sections[0].result.frame
    assert len(daily) == 13
    assert daily["views"].sum() == len(counted(Period(views()[0].local_date, LAST), "Uno"))


def test_a_channel_that_nobody_watched_on_the_days_says_so() -> None:
    ask = Asked([*views(), View(LAST - timedelta(days=40), channel_name="Viejo")])
    known = replace(EVERYTHING, first_day=LAST - timedelta(days=60))
    report = content_of("channel_report", replace(ask, known=known), channel="Viejo")
    assert report.notices == ("En estos días nadie vio este canal.",)
    assert figures(report)["view"][0] == "0"


def test_a_channel_that_there_is_not_is_refused_with_what_may_have_been_meant() -> None:
    with pytest.raises(RequestRefused, match="'Tre'") as refused:
        content_of("channel_report", Asked(views()), channel="Tre")
    assert refused.value.advice == "did you mean Tres?"


@pytest.mark.parametrize("name", KINDS)
def test_days_without_data_are_refused_with_those_that_have_some(name: str) -> None:
    early = Period(WEEK.first - timedelta(days=100), WEEK.first - timedelta(days=99))
    known = Completeness(known_until=MOMENT, complete_before=LAST, first_day=BEFORE.first)
    with pytest.raises(RequestRefused, match="nobody watched anything") as refused:
        content_of(name, Asked(views(), known), period=early, channel="Uno" if KINDS[name].of_channel else "")
    assert refused.value.advice == f"there are data of {BEFORE.first} to {LAST}"


def test_a_day_that_is_still_read_and_one_that_lacks_some_for_good_are_told_apart() -> None:
    gap = WEEK.first
    known = Completeness(known_until=MOMENT, complete_before=LAST, first_day=BEFORE.first, gaps=((gap, gap),))
    report = content_of("weekly_report", Asked(views(), known))
    assert not report.complete
    assert report.notices == (
        "Incompleto: falta leer registros de mié 14 ene 2026. Las cifras pueden cambiar.",
        "De jue 8 ene 2026 falta una parte que no llegó: las cifras son de lo que hay.",
    )


def test_days_that_have_no_fellows_before_are_not_compared() -> None:
    known = replace(EVERYTHING, first_day=WEEK.first - timedelta(days=2))
    assert {previous for _, previous in figures(content_of("weekly_report", Asked(views(), known))).values()} == {""}


@pytest.mark.parametrize("name", KINDS)
def test_an_answer_that_cannot_be_had_leaves_no_report(name: str) -> None:
    class Fails(Asked):
        def __call__(self, name, period, parameters):  # type: ignore[no-untyped-def]
            if name == last:
                raise RequestRefused("no answer")
            return super().__call__(name, period, parameters)

    last = KINDS[name].analyses[-1]
    with pytest.raises(RequestRefused, match="no answer"):
        content_of(name, Fails(views()), channel="Uno" if KINDS[name].of_channel else "")


def test_shares_are_said_to_be_of_what_they_are() -> None:
    heads = {each.name: [head.text for head in each.table.heads] for each in content("weekly_report").sections}
    assert "% de las reproducciones" in heads["period_channels"]
    assert "% de las horas vistas" in heads["share"]
    assert "% de las salidas del canal" in heads["channel_flow"]
