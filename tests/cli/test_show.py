"""``show`` gives stored results in every form, and says what there is and what is not."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from cli_harness import Outcome

from telemetry_pipeline.analyses.registry import find_analysis


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


@pytest.mark.usefixtures("stored")
def test_without_a_name_it_is_said_what_there_is_and_which_question_it_answers(cli: Callable[..., Outcome]) -> None:
    listed = {row["name"]: row for row in json.loads(cli("show", "--format", "json").out)}
    assert listed["top_channels"] == {
        "name": "top_channels",
        "theme": "general",
        "newest": "2026-10-03",
        "question": find_analysis("top_channels").question,
    }
    assert listed["geography"]["newest"] is None
    assert listed["period_analysis"]["theme"] == "document"
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
        for schema in ("telemetry", "analysis", "bi"):
            connection.execute(sa.text(f"drop schema if exists {schema} cascade"))
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert cli("migrate").out.startswith("applied 0001")
    assert cli("migrate").out == "nothing to do: the schema is at its newest version\n"
