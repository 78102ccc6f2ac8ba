"""``telemetry-pipeline show``: stored results of analyses, or a document, for people and for programs."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click

from telemetry_pipeline.analyses.documents import DOCUMENTS
from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.cli.days import given_period
from telemetry_pipeline.cli.output import on_terminal, print_table, to_json
from telemetry_pipeline.cli.saying import say
from telemetry_pipeline.cli.showing.asking import Question, answer, answer_document, days, plan_question
from telemetry_pipeline.cli.showing.captions import caption, marked, of_one_version, versions
from telemetry_pipeline.cli.showing.delivery import Delivery, Table
from telemetry_pipeline.cli.showing.forms import Form
from telemetry_pipeline.cli.showing.listing import list_analyses
from telemetry_pipeline.cli.target import database_url
from telemetry_pipeline.days import Period
from telemetry_pipeline.moments import moment
from telemetry_pipeline.reports.files.counts import whole_counts
from telemetry_pipeline.results.rows import to_rows
from telemetry_pipeline.results.tables import StoredResult
from telemetry_pipeline.results.views.windows import rules_of
from telemetry_pipeline.settings.loading import StackSettings


def show(
    analyses: tuple[str, ...],
    partition: date | None,
    first: date | None,
    last: date | None,
    assignments: tuple[str, ...],
    form: Form | None,
    output: Path | None,
    excel: bool,
) -> None:
    """Show stored results, a document, or what there is."""
    period = given_period(partition, first, last)
    delivery = Delivery(form, output, excel)
    if not analyses:
        if period or assignments:
            raise click.UsageError("Name an analysis; without a name, all are listed.")
        list_analyses(StackSettings.load(), delivery)
    elif DOCUMENTS.keys().isdisjoint(analyses):
        show_results(StackSettings.load(), plan_question(analyses, None, period, assignments), delivery)
    elif len(analyses) > 1 or assignments:
        raise click.UsageError("A document is shown alone, and holds the results of default parameters.")
    else:
        show_document(StackSettings.load(), analyses[0], period, delivery)


def show_results(settings: StackSettings, question: Question, delivery: Delivery) -> None:
    """Answer a question in the form that is wanted."""
    if delivery.form == "csv" and len(question.analyses) > 1:
        raise click.UsageError("CSV is for one analysis; json and xlsx hold several.")
    found = answer(database_url(settings), question, rules_of(settings))
    zone = settings.operator_zone
    if delivery.form == "table":
        several = [versions(found)] if len(found) > 1 else []
        delivery.tables(
            [_table(each, "; ".join([caption(each, zone), *several]), marks=delivery.on_terminal) for each in found]
        )
        return
    _say_what_was_not_asked(question, found)
    if delivery.form == "json":
        rows = {each.info.asset: to_rows(each.frame) for each in found}
        delivery.put(f"{to_json(rows if len(found) > 1 else rows[found[0].info.asset])}\n")
    elif delivery.form == "csv":
        [only] = found
        delivery.csv(list(only.frame.columns), to_rows(only.frame))
    else:
        from telemetry_pipeline.reports.files.workbook import to_workbook  # noqa: PLC0415 - who makes none does not pay for it

        delivery.put(to_workbook(found, zone))


def _say_what_was_not_asked(question: Question, found: Sequence[StoredResult]) -> None:
    """Say on standard error what was chosen without having been named, for rows do not say it themselves."""
    for analysis, result in zip(question.analyses, found, strict=True):
        info = result.info
        if question.open and analysis.is_of_period and info.period_first != info.period_last:
            of_days = days(info.period_first, info.period_last)
            say(f"note: no single day is stored of {info.asset}; these rows are of {of_days}", err=True)
    if not of_one_version(found):
        say(f"note: {versions(found)}", err=True)


def read_result(url: str, analysis: str, partition: date | None) -> StoredResult:
    """Return the result with default parameters of a partition, or of the newest one.

    :raises RequestRefused: there is no such analysis, or nothing is stored; says what to do.
    :raises WarehouseError: the database is unreachable, or has no tables yet.
    """
    [found] = answer(url, plan_question([analysis], partition, None), rules_of(StackSettings.load()))
    return found


def show_table(result: StoredResult, zone: ZoneInfo, limit: int | None = None) -> None:
    """Print a result for people; times in *zone*.

    :param limit: how many rows at most.
    """
    table = _table(result, caption(result, zone), marks=on_terminal(), limit=limit)
    print_table(table.columns, table.rows, table.caption, table.looks)


def _table(result: StoredResult, caption: str, *, marks: bool, limit: int | None = None) -> Table:
    """Make the table of a result.

    :param marks: whether small bases and what is provisional are marked, in place of columns that say so.
    """
    frame = result.frame if limit is None else result.frame.head(limit)
    rows = whole_counts(find_analysis(result.info.asset).columns, to_rows(frame))
    columns = list(frame.columns)
    if not marks:
        return Table(columns, [[row[name] for name in columns] for row in rows], caption)
    shown = marked(rows, columns)
    return Table(shown.columns, shown.rows, "\n".join([*shown.meanings, caption]), shown.looks)


def show_document(settings: StackSettings, document: str, period: Period | None, delivery: Delivery) -> None:
    """Hand over a document: itself, or which analyses are in it."""
    if delivery.form in ("csv", "xlsx"):
        raise click.UsageError(f"A document is JSON; {delivery.form} is for analyses.")
    body = answer_document(database_url(settings), document, period)
    filters = body["filters"]
    of_days = days(date.fromisoformat(filters["first"]), date.fromisoformat(filters["last"]))
    if delivery.form == "json":
        if period is None and filters["first"] != filters["last"]:
            say(f"note: no single day is stored of {document}; this is of {of_days}", err=True)
        delivery.put(f"{to_json(body)}\n")
        return
    generated = moment(datetime.fromisoformat(body["generated_at"]), settings.operator_zone)
    missing = [f"missing: {', '.join(body['missing'])}"] if body["missing"] else []
    caption = "; ".join([f"{document}: {of_days}", f"generated {generated}", *missing])
    delivery.tables([Table(["analysis", "rows"], [[name, len(rows)] for name, rows in body["analyses"].items()], caption)])
