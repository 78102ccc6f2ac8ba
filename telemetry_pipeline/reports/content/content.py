"""A report as values: every renderer says the same of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from telemetry_pipeline.days import Period
from telemetry_pipeline.reports.content.tables import Table
from telemetry_pipeline.reports.content.tiles import Tile
from telemetry_pipeline.results.tables import StoredResult
from telemetry_pipeline.words.language import Language


@dataclass(frozen=True)
class Section:
    """The answer of one analysis.

    :ivar how: its figures are computed. :ivar table: as many of its rows as a reader takes in.
    :ivar picture: as SVG; None: there is nothing to draw. :ivar result: the numbers behind both, for forms that keep them.
    """

    name: str
    title: str
    question: str
    how: str
    table: Table
    picture: str | None
    result: StoredResult


@dataclass(frozen=True)
class Content:
    """A report.

    :ivar days: its period in words. :ivar notices: what readers have to know of all of it, the most important first.
    :ivar complete: whether every one of its days was read to its end.
    """

    name: str
    title: str
    subject: str
    period: Period
    days: str
    made_at: datetime
    made: str
    language: Language
    complete: bool
    notices: tuple[str, ...]
    figures: tuple[Tile, ...]
    sections: tuple[Section, ...] = field(default=())
