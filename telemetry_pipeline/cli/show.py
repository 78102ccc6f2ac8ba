"""``telemetry-pipeline show``: the stored result of an analysis, or a document, for people and for programs."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, tzinfo
from typing import TYPE_CHECKING, Any

import click

from telemetry_pipeline.cli.days import parse_day

if TYPE_CHECKING:
    from telemetry_pipeline.warehouse.results import StoredResult


@click.command("show", short_help="Show the stored result of an analysis, or a document.")
@click.argument("analysis")
@click.option("--partition", metavar="DAY", callback=parse_day, help="The day whose result is shown; default: the latest one.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["table", "json", "csv"]),
    default="table",
    show_default=True,
    help="For people (table), or for programs.",
)
def show(analysis: str, partition: date | None, form: str) -> None:
    """Show the stored result of ANALYSIS; of several with different parameters, the newest one.

    A document (full_analysis, period_analysis, subscribers_analysis) is JSON; its table says what is in it.
    """
    from telemetry_pipeline.cli.output import to_csv, to_json
    from telemetry_pipeline.cli.target import database_url
    from telemetry_pipeline.reports.documents import DOCUMENTS
    from telemetry_pipeline.reports.rows import to_rows
    from telemetry_pipeline.settings import StackSettings

    settings = StackSettings.load()
    if analysis in DOCUMENTS:
        show_document(read_document(database_url(settings), analysis, partition), form)
        return
    result = read_result(database_url(settings), analysis, partition)
    if form == "table":
        show_table(result, zone=settings.operator_zone)
    elif form == "json":
        click.echo(to_json(to_rows(result.frame)))
    else:
        click.echo(to_csv(list(result.frame.columns), to_rows(result.frame)), nl=False)


def read_result(url: str, analysis: str, partition: date | None) -> StoredResult:
    """The newest result of a partition, or of the latest day.

    :raises RequestRefused: there is no such analysis, or nothing is stored; says what to do.
    :raises WarehouseError: the database is unreachable, or has no tables yet.
    """
    from telemetry_pipeline.analyses.registry import find_analysis
    from telemetry_pipeline.errors import RequestRefused
    from zoneinfo import ZoneInfo

    from telemetry_pipeline.analyses import stored
    from telemetry_pipeline.analyses.views import Rules
    from telemetry_pipeline.warehouse import results
    from telemetry_pipeline.warehouse.database import connect
    from telemetry_pipeline.warehouse.reading import explained

    with explained(), connect(url).begin() as connection:
        found = stored.read(connection, find_analysis(analysis), find_analysis(analysis).parse({}), Rules(ZoneInfo("UTC")), day=partition)
        if found is not None:
            results.want(connection, [found.info])
            return found
    raise RequestRefused(_nothing_stored(analysis, partition))


def read_document(url: str, document: str, partition: date | None) -> dict[str, Any]:
    """The newest document of a partition, or of the latest day.

    :raises RequestRefused: nothing is stored; says what to do.
    :raises WarehouseError: the database is unreachable, or has no tables yet.
    """
    from telemetry_pipeline.errors import RequestRefused
    from telemetry_pipeline.warehouse import documents
    from telemetry_pipeline.warehouse.database import connect
    from telemetry_pipeline.warehouse.reading import explained

    with explained(), connect(url).connect() as connection:
        body = documents.read(connection, document, partition and (partition, partition))
    if body is None:
        raise RequestRefused(_nothing_stored(document, partition))
    return body


def _nothing_stored(asset: str, partition: date | None) -> str:
    of_day, option = (f" for {partition}", f" --partition {partition}") if partition else ("", "")
    return (
        f"nothing is stored of {asset}{of_day}; run 'telemetry-pipeline run telemetry_tick', "
        f"or 'telemetry-pipeline run {asset}{option}' when the views are there"
    )


def show_document(body: dict[str, Any], form: str) -> None:
    """Print a document: itself, or which analyses are in it."""
    from telemetry_pipeline.cli.output import print_table

    if form == "csv":
        raise click.UsageError("a document is JSON; CSV is for one analysis.")
    if form == "json":
        click.echo(json.dumps(body, ensure_ascii=False, allow_nan=False, indent=2))
        return
    rows = [[name, len(found)] for name, found in body["analyses"].items()]
    filters = body["filters"]
    print_table(["analysis", "rows"], rows, f"{filters['first']} to {filters['last']}; generated {body['generated_at']}")


def show_table(result: StoredResult, zone: tzinfo, limit: int | None = None) -> None:
    """Print a result for people; times in *zone*.

    :param limit: how many rows at most.
    """
    from telemetry_pipeline.cli.output import print_table
    from telemetry_pipeline.reports.rows import to_rows

    frame = result.frame.head(limit) if limit is not None else result.frame
    print_table(list(frame.columns), [list(row.values()) for row in to_rows(frame)], caption(result, zone))


def caption(result: StoredResult, zone: tzinfo) -> str:
    """What a result is of: analysis, period, parameters, and when it was computed."""
    from telemetry_pipeline.analyses.periods import Period
    from telemetry_pipeline.cli.output import duration, moment

    info = result.info
    parameters = ", ".join(f"{name}={_text(value)}" for name, value in info.parameters.items())
    age = max(0.0, (datetime.now(UTC) - info.computed_at).total_seconds())
    rows = "1 row" if info.row_count == 1 else f"{info.row_count:,} rows"
    return "; ".join(
        [
            f"{info.asset}: {Period(info.period_first, info.period_last)}",
            *([parameters] if parameters else []),
            rows,
            f"computed {moment(info.computed_at.astimezone(zone))}, {duration(age)} ago",
            *(f"{name.replace('_', ' ')}: {value}" for name, value in info.facts.items()),
        ]
    )


def _text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
