from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from datetime import date

import pandas as pd
import pytest
import sqlalchemy as sa
from cli.harness import Outcome

from telemetry_pipeline.analyses.periods import Period
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.cli.output import duration, plain_table, print_table, to_csv, to_json
from telemetry_pipeline.warehouse import documents, results
from telemetry_pipeline.warehouse.results import Result


@pytest.fixture
def stored(engine: sa.Engine, database_url: str, cli: object, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three days of top channels; the last one with two sets of parameters, one of them empty."""
    analysis = find_analysis("top_channels")
    with engine.begin() as connection:
        for day, limit, rows in [
            (1, 20, [["Canal 5", 1, 7, 70.0], ['Ñandú, "El"', 2, 3, 30.0]]),
            (2, 20, [["Canal 5", 1, 1_234_567, 100.0]]),
            (3, 20, [["Canal 9", 1, 2, 100.0]]),
            (3, 5, []),
        ]:
            names = [column.name for column in analysis.columns]
            by_name = {"channel": 0, "rank": 1, "views": 2, "share_pct": 3}
            frame = pd.DataFrame([[row[by_name[name]] for name in names] for row in rows], columns=names)
            parameters = analysis.parse({"limit": limit})
            period = analysis.window(date(2026, 10, day), parameters)
            stored = Result(period.first, period.last, period.last, parameters.model_dump(mode="json"), frame)
            results.replace(connection, analysis.table, [stored])
    monkeypatch.setenv("DATABASE_URL", database_url)


@pytest.mark.usefixtures("stored")
def test_json_is_a_list_of_rows_with_the_names_of_the_columns(cli: Callable[..., Outcome]) -> None:
    outcome = cli("show", "top_channels", "--partition", "2026-10-01", "--format", "json")
    assert (outcome.status, outcome.err) == (0, "")
    assert json.loads(outcome.out) == [
        {"rank": 1, "channel": "Canal 5", "views": 7, "share_pct": 70.0},
        {"rank": 2, "channel": 'Ñandú, "El"', "views": 3, "share_pct": 30.0},
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
    assert caption.startswith("top_channels: 2026-09-03 to 2026-10-02; limit=20, window_days=30; 1 row; computed 20")


def test_a_document_is_shown_whole_or_by_what_is_in_it(
    cli: Callable[..., Outcome], engine: sa.Engine, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", database_url)
    assert "nothing is stored of full_analysis; run " in cli("show", "full_analysis").err
    filters = {"first": "2026-10-01", "last": "2026-10-01", "analyses": {}}
    body = {"generated_at": "now", "filters": filters, "analyses": {"geography": [{"isp": "Ñ"}, {}]}, "missing": []}
    with engine.begin() as connection:
        documents.keep(connection, "full_analysis", date(2026, 10, 1), date(2026, 10, 1), body)
    assert json.loads(cli("show", "full_analysis", "--format", "json").out) == body
    assert [line.split() for line in cli("show", "full_analysis").out.splitlines()][1] == ["geography", "2"]
    assert cli("show", "full_analysis", "--format", "csv").status == 2


@pytest.mark.usefixtures("stored")
def test_without_a_partition_the_newest_of_the_latest_day_is_shown_even_if_it_is_empty(
    cli: Callable[..., Outcome],
) -> None:
    assert json.loads(cli("show", "top_channels", "--format", "json").out) == []
    assert cli("show", "top_channels", "--format", "csv").out.count("\n") == 1
    assert "limit=5, window_days=30; 0 rows" in cli("show", "top_channels").out


@pytest.mark.usefixtures("stored")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["top_channels", "--partition", "2026-10-09"], "nothing is stored of top_channels for 2026-10-09; run "),
        (["geography"], "nothing is stored of geography; run 'telemetry-pipeline run telemetry_tick'"),
        (["geographie"], "there is no analysis 'geographie'; there are active_subscribers, "),
    ],
)
def test_what_is_not_there_is_told_with_what_to_do(cli: Callable[..., Outcome], arguments: list[str], said: str) -> None:
    outcome = cli("show", *arguments)
    assert (outcome.status, outcome.out) == (1, "")
    assert said in outcome.err
    assert outcome.err.count("\n") == 1


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


def test_values_keep_their_kind() -> None:
    row = {"d": "2026-10-01", "n": None, "x": 1.5, "i": 7, "b": True}
    assert json.loads(to_json([row])) == [row]
    assert to_csv(list(row), [row]) == "d,n,x,i,b\n2026-10-01,,1.5,7,true\n"


def test_what_strict_json_cannot_hold_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json([{"x": float("nan")}])


def test_a_plain_table_is_aligned() -> None:
    body = [[("Canal 5", False), ("1,234", True)], [("", False), ("7", True)]]
    assert plain_table(["channel", "views"], body) == "channel  views\nCanal 5  1,234\n             7"


def test_a_name_cannot_command_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(["channel"], [["\x1b[2Jgone\nline"]])
    assert capsys.readouterr().out == "channel\n\N{REPLACEMENT CHARACTER}[2Jgone\N{REPLACEMENT CHARACTER}line\n"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (9.96, "10.0 s"), (12.4, "12 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (273_600, "3 d 4 h")],
)
def test_time_spans_are_for_people(seconds: float, said: str) -> None:
    assert duration(seconds) == said


def test_all_history_is_named() -> None:
    assert str(Period(date.min, date(2026, 10, 1))) == "everything to 2026-10-01"
