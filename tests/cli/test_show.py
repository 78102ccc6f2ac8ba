from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
import sqlalchemy as sa
from cli_harness import Outcome

from telemetry_pipeline.analyses.framework.columns import conform
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.days import Period
from telemetry_pipeline.results import document_store, tables
from telemetry_pipeline.results.tables import Result, table_of


def day(number: int) -> date:
    return date(2026, 10, number)


VERSIONS = {"views_version": 41, "changed_version": 40}


def storing(engine: sa.Engine) -> Callable[..., None]:
    """Stores a result of a day or a period; columns that are not given are null."""

    def store(
        name: str,
        first: date,
        values: dict[str, list[Any]],
        last: date | None = None,
        parameters: dict[str, Any] | None = None,
        **more: Any,
    ) -> None:
        analysis = find_analysis(name)
        rows = len(next(iter(values.values()), []))
        columns = {column.name: values.get(column.name, [None] * rows) for column in analysis.columns}
        parsed = analysis.parse(parameters or {})
        period = Period(first, last or first) if analysis.is_of_period else analysis.window(first, parsed)
        partition = None if analysis.is_of_period else period.last
        frame = conform(pd.DataFrame(columns, dtype=object), analysis.columns)
        result = Result(period.first, period.last, partition, parsed.model_dump(mode="json"), frame, **more)
        with engine.begin() as connection:
            tables.replace(connection, table_of(analysis), [result])

    return store


@pytest.fixture
def stored(engine: sa.Engine, database_url: str, cli: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three days of top channels; the last one with two sets of parameters, one of them empty, and computed later."""
    store = storing(engine)
    two = {"channel": ["Canal 5", 'Ñandú, "El"'], "rank": [1, 2], "views": [7, 3], "share_pct": [70.0, 30.0]}
    store("top_channels", day(1), {**two, "small_base": [True, None]})
    store("top_channels", day(2), {"channel": ["Canal 5"], "rank": [1], "views": [1_234_567], "share_pct": [100.0]})
    store("top_channels", day(3), {"channel": ["Canal 9"], "rank": [1], "views": [2], "share_pct": [100.0]}, **VERSIONS)
    store("top_channels", day(3), {}, parameters={"limit": 5})
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.mark.usefixtures("stored")
def test_json_is_a_list_of_rows_with_the_names_of_the_columns(cli: Callable[..., Outcome]) -> None:
    outcome = cli("show", "top_channels", "--partition", "2026-10-01", "--format", "json")
    assert (outcome.status, outcome.err) == (0, "")
    assert json.loads(outcome.out) == [
        {"rank": 1, "channel": "Canal 5", "views": 7, "share_pct": 70.0, "small_base": True},
        {"rank": 2, "channel": 'Ñandú, "El"', "views": 3, "share_pct": 30.0, "small_base": None},
    ]


@pytest.mark.usefixtures("stored")
def test_csv_has_a_header_and_quotes_what_needs_it(cli: Callable[..., Outcome]) -> None:
    rows = list(csv.DictReader(io.StringIO(cli("show", "top_channels", "--partition", "2026-10-01", "--format", "csv").out)))
    assert [(row["channel"], row["views"]) for row in rows] == [("Canal 5", "7"), ('Ñandú, "El"', "3")]


@pytest.mark.usefixtures("stored")
def test_a_table_says_what_it_is_of(cli: Callable[..., Outcome]) -> None:
    outcome = cli("show", "top_channels", "--partition", "2026-10-02")
    assert "1,234,567" in outcome.out
    caption = outcome.out.splitlines()[-1]
    assert re.fullmatch(
        r"top_channels: 2026-09-03 to 2026-10-02; default parameters; 1 row; "
        r"computed 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d America/Mexico_City, \d+\.\d s ago; "
        r"the views changed since; run 'telemetry-pipeline run top_channels --partition 2026-10-02' again",
        caption,
    )


@pytest.mark.usefixtures("stored")
def test_on_a_terminal_small_bases_are_marked_with_a_line_that_says_so(
    cli: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    shown = ("show", "top_channels", "--partition", "2026-10-01")
    assert "small_base" in cli(*shown).out
    monkeypatch.setattr("rich.console.Console.is_terminal", True)
    monkeypatch.setenv("COLUMNS", "300")
    out = cli(*shown).out
    assert "small_base" not in out
    assert re.search("°.*Canal 5", out)
    assert not re.search("°.*Ñandú", out)
    assert "° grey: from fewer than SMALL_BASE_SUBSCRIBERS subscribers" in out


@pytest.mark.usefixtures("stored")
def test_a_file_is_written_in_the_form_that_its_name_says(cli: Callable[..., Outcome], tmp_path: Path) -> None:
    shown = ("show", "top_channels", "--partition", "2026-10-01")
    for name, beginning in (("a.xlsx", b"PK"), ("a.csv", b"channel,"), ("a.json", b"["), ("a.txt", b"channel ")):
        assert cli(*shown, "--output", name) == Outcome(0, "", "")
        assert (tmp_path / name).read_bytes().startswith(beginning)
    cli(*shown, "--format", "csv", "--output", "a.txt")
    assert (tmp_path / "a.txt").read_bytes() == cli(*shown, "--format", "csv").out.encode()
    outcome = cli(*shown, "--output", "nowhere/a.csv")
    assert (outcome.status, outcome.err) == (1, "error: nowhere/a.csv cannot be written: No such file or directory\n")


@pytest.mark.usefixtures("stored")
def test_several_tables_go_into_one_file(cli: Callable[..., Outcome], periods: object, tmp_path: Path) -> None:
    cli("show", "top_channels", "period_summary", "--output", "a.txt")
    assert [line.split(":")[0] for line in (tmp_path / "a.txt").read_text().splitlines() if "computed" in line] == [
        "top_channels",
        "period_summary",
    ]


@pytest.mark.usefixtures("stored")
def test_csv_is_for_excel_on_request(cli: Callable[..., Outcome]) -> None:
    out = cli("show", "top_channels", "--partition", "2026-10-01", "--format", "csv", "--excel").out
    assert out.startswith("\ufeff")
    assert "70,0" in out
    assert cli("show", "top_channels", "--excel").status == 2


@pytest.mark.usefixtures("stored")
def test_a_workbook_goes_into_a_pipe_but_not_onto_a_terminal(
    cli: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    command = [sys.executable, "-m", "telemetry_pipeline", "show", "top_channels", "--format", "xlsx"]
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True, timeout=60).stdout.startswith(b"PK")
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    outcome = cli("show", "top_channels", "--format", "xlsx")
    assert outcome.status == 2
    assert "give --output FILE" in outcome.err


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


@pytest.fixture
def periods(engine: sa.Engine, database_url: str, cli: object, monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Two periods of which no day is stored alone."""
    store = storing(engine)
    store("period_summary", day(1), {"days": [31], "views": [8955], "views_per_day": [288.87]}, last=day(31))
    store("period_summary", day(8), {"days": [7], "views": [1371], "views_per_day": [195.86]}, last=day(14))
    monkeypatch.setenv("DATABASE_URL", database_url)
    return store


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


@pytest.mark.usefixtures("stored")
def test_without_a_name_it_is_said_what_there_is_and_which_question_it_answers(cli: Callable[..., Outcome]) -> None:
    listed = {row["name"]: row for row in json.loads(cli("show", "--format", "json").out)}
    assert listed["top_channels"] == {
        "name": "top_channels",
        "kind": "general",
        "newest": "2026-10-03",
        "question": find_analysis("top_channels").question,
    }
    assert listed["geography"]["newest"] is None
    assert listed["period_analysis"]["kind"] == "document"
    [line] = [line for line in cli("show").out.splitlines() if line.startswith("top_channels ")]
    assert re.split(r"  +", line) == list(listed["top_channels"].values())
    assert cli("show", "--partition", "2026-10-01").status == 2


def test_what_there_could_be_is_listed_without_a_database(cli: Callable[..., Outcome]) -> None:
    outcome = cli("show")
    assert outcome.status == 0
    assert find_analysis("geography").question in outcome.out
    assert outcome.err.startswith("note: what is stored is not known: DATABASE_URL is not set")


@pytest.mark.usefixtures("stored")
def test_a_general_analysis_of_a_period_is_refused_with_how_to_ask(cli: Callable[..., Outcome]) -> None:
    outcome = cli("show", "top_channels", "--from", "2026-10-01", "--to", "2026-10-07")
    assert outcome.status == 1
    assert "--partition 2026-10-07 --set top_channels.window_days=7" in outcome.err
    assert cli("show", "top_channels", "--from", "2026-10-01", "--to", "2026-10-01").status == 0


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["top_channels", "--partition", "2026-10-09"],
            "for 2026-10-09; stored are 2026-10-03, 2026-10-02, 2026-10-01 (--partit",
        ),
        (
            ["top_channels", "--set", "top_channels.limit=7"],
            "of top_channels with limit=7; stored is one of other parameters (",
        ),
        (["top_channels", "--set", "top_channels.limt=7"], "did you mean limit?"),
        (["top_channels", "--set", "geography.window_days=7"], "only top_channels is asked for"),
        (["geography"], "nothing is stored of geography\n-> run 'telemetry-pipeline run telemetry_tick'"),
        (["geographie"], "there is no analysis 'geographie'\n-> did you mean geography?"),
        (["ful_analysis"], "did you mean full_analysis?"),
        (["nonsense"], "there are active_subscribers, "),
        (["subscriber_profile"], "subscriber_code is required; give it with --set subscriber_profile.subscriber_code=value"),
    ],
)
def test_what_is_not_there_is_told_with_what_to_do(cli: Callable[..., Outcome], arguments: list[str], said: str) -> None:
    outcome = cli("show", *arguments)
    assert (outcome.status, outcome.out) == (1, "")
    assert said in outcome.err
    assert [line[:3] for line in outcome.err.splitlines()] in (["err"], ["err", "-> "])


def test_the_running_stacks_database_is_read_when_none_is_set(
    cli: Callable[..., Outcome], announce: Callable[..., None], database_url: str
) -> None:
    announce("http://127.0.0.1:9", database_url=database_url)
    assert "nothing is stored of geography" in cli("show", "geography").err


def test_without_a_database_it_is_said_how_to_get_one(cli: Callable[..., Outcome]) -> None:
    outcome = cli("show", "top_channels")
    assert outcome.status == 1
    assert "start one with 'telemetry-pipeline up'" in outcome.err


def test_a_database_without_our_tables_or_out_of_reach_is_told(
    cli: Callable[..., Outcome], postgres_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres_url)
    assert "telemetry-pipeline migrate" in cli("show", "top_channels").err
    monkeypatch.setenv("DATABASE_URL", "postgresql://reader:sesame@127.0.0.1:9/telemetry")
    outcome = cli("show", "top_channels")
    assert outcome.err.startswith("error: PostgreSQL cannot be reached: ")
    assert "sesame" not in outcome.err


def test_migrate_brings_an_empty_database_up_to_date_and_can_be_repeated(
    cli: Callable[..., Outcome],
    postgres_url: str,
    database_url: str,
    engine: sa.Engine,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("drop schema telemetry cascade"))
        connection.execute(sa.text("drop schema analysis cascade"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert cli("migrate").out.startswith("applied 0001")
    assert cli("migrate").out == "nothing to do: the schema is at its newest version\n"


def test_all_history_is_named() -> None:
    assert str(Period(date.min, date(2026, 10, 1))) == "everything to 2026-10-01"
