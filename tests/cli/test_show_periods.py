"""``show`` says of which days and versions its rows are, and gives those of no other days."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
import sqlalchemy as sa
from cli_harness import Outcome
from stored_for_show import day

from telemetry_pipeline.days import Period
from telemetry_pipeline.results import document_store


@pytest.fixture
def document(
    engine: sa.Engine, database_url: str, cli: object, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., dict[str, Any]]:
    """Keeps a document of some days."""
    monkeypatch.setenv("DATABASE_URL", database_url)

    def keep(name: str, first: date, last: date) -> dict[str, Any]:
        filters = {"first": first.isoformat(), "last": last.isoformat(), "analyses": {}}
        analyses = {"geography": [{"isp": "Ñ"}, {}]}
        at = "2026-11-01T06:00:00+00:00"
        body = {"generated_at": at, "filters": filters, "analyses": analyses, "missing": ["rating"]}
        with engine.begin() as connection:
            document_store.keep(connection, name, first, last, body)
        return body

    return keep


def test_a_document_is_shown_whole_or_by_what_is_in_it(
    cli: Callable[..., Outcome], document: Callable[..., dict[str, Any]]
) -> None:
    assert "nothing is stored of full_analysis\n-> run " in cli("show", "full_analysis").err
    body = document("full_analysis", day(1), day(1))
    assert json.loads(cli("show", "full_analysis", "--format", "json").out) == body
    lines = cli("show", "full_analysis").out.splitlines()
    assert lines[1].split() == ["geography", "2"]
    assert lines[-1] == ("full_analysis: 2026-10-01; generated 2026-11-01 00:00:00 America/Mexico_City; missing: rating")
    assert cli("show", "full_analysis", "--format", "csv").status == 2
    assert cli("show", "full_analysis", "top_channels").status == 2
    assert "--partition 2026-10-02" in cli("show", "full_analysis", "--from", "2026-10-01", "--to", "2026-10-02").err


def test_a_document_is_of_exactly_the_period_that_was_asked_for(
    cli: Callable[..., Outcome], document: Callable[..., dict[str, Any]]
) -> None:
    month = document("period_analysis", day(1), day(31))
    week = document("period_analysis", day(8), day(14))
    asked = ["show", "period_analysis", "--format", "json"]
    assert json.loads(cli(*asked, "--from", "2026-10-08", "--to", "2026-10-14").out) == week
    outcome = cli(*asked)
    assert json.loads(outcome.out) == month
    assert outcome.err == "note: no single day is stored of period_analysis; this is of 2026-10-01 to 2026-10-31\n"
    outcome = cli(*asked, "--partition", "2026-10-10")
    assert outcome.status == 1
    assert (
        "for 2026-10-10; stored are 2026-10-01 to 2026-10-31, 2026-10-08 to 2026-10-14\n-> run 'telemetry-pipeline run per"
        in outcome.err
    )


@pytest.mark.usefixtures("stored")
def test_who_names_no_parameters_gets_the_defaults_result_whatever_was_computed_later(cli: Callable[..., Outcome]) -> None:
    assert [row["channel"] for row in json.loads(cli("show", "top_channels", "--format", "json").out)] == ["Canal 9"]
    other = ("show", "top_channels", "--set", "top_channels.limit=5")
    assert json.loads(cli(*other, "--format", "json").out) == []
    assert cli(*other, "--format", "csv").out.count("\n") == 1
    assert "; limit=5; 0 rows; " in cli(*other).out


@pytest.mark.usefixtures("periods")
def test_a_period_is_exactly_the_one_that_was_asked_for(cli: Callable[..., Outcome]) -> None:
    outcome = cli("show", "period_summary", "--from", "2026-10-08", "--to", "2026-10-14", "--format", "json")
    assert (outcome.status, outcome.err) == (0, "")
    assert [row["views"] for row in json.loads(outcome.out)] == [1371]


@pytest.mark.usefixtures("periods")
def test_a_question_for_a_day_is_not_answered_with_a_month(cli: Callable[..., Outcome]) -> None:
    for asked in (["--partition", "2026-10-10"], ["--from", "2026-10-10", "--to", "2026-10-10"]):
        outcome = cli("show", "period_summary", *asked)
        assert (outcome.status, outcome.out) == (1, "")
        assert outcome.err == (
            "error: nothing is stored of period_summary for 2026-10-10 alone; stored are 2026-10-01 to 2026-10-31, "
            "2026-10-08 to 2026-10-14 (--from, --to)\n"
            "-> run 'telemetry-pipeline run period_summary --partition 2026-10-10' when the views are there\n"
        )


@pytest.mark.parametrize("form", ["json", "csv"])
def test_rows_of_a_period_that_nobody_named_say_so_apart(
    cli: Callable[..., Outcome], periods: Callable[..., None], form: str
) -> None:
    outcome = cli("show", "period_summary", "--format", form)
    assert outcome.status == 0
    assert "8955" in outcome.out
    assert outcome.err == "note: no single day is stored of period_summary; these rows are of 2026-10-01 to 2026-10-31\n"
    periods("period_summary", day(9), {"days": [1], "views": [5]})
    outcome = cli("show", "period_summary", "--format", form)
    assert "8955" not in outcome.out
    assert outcome.err == ""


@pytest.mark.usefixtures("stored", "periods")
def test_several_are_shown_at_once_and_say_of_which_version_of_the_views_they_are(cli: Callable[..., Outcome]) -> None:
    outcome = cli("show", "top_channels", "period_summary", "--format", "json")
    assert {name: len(rows) for name, rows in json.loads(outcome.out).items()} == {"top_channels": 1, "period_summary": 1}
    differing = "of different versions of the views: top_channels of 41, period_summary of 0"
    assert f"note: {differing}\n" in outcome.err
    captions = [line for line in cli("show", "top_channels", "period_summary").out.splitlines() if "computed" in line]
    assert [caption.split(":")[0] for caption in captions] == ["top_channels", "period_summary"]
    assert all(caption.endswith(differing) for caption in captions)
    same = cli("show", "top_channels", "period_summary", "--set", "top_channels.limit=5").out
    assert same.count("; of one version of the views\n") == 2
    assert cli("show", "top_channels", "period_summary", "--format", "csv").status == 2


def test_all_history_is_named() -> None:
    assert str(Period(date.min, date(2026, 10, 1))) == "everything to 2026-10-01"
