"""The form of a page: the days that one can choose, what they are compared with, and what stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from telemetry_pipeline.days import AllowedDays, Period
from telemetry_pipeline.speech import Speech
from telemetry_pipeline.web.pages.asked import query
from telemetry_pipeline.web.pages.asked.days import presets, within
from telemetry_pipeline.web.pages.asked.hours import PARTS
from telemetry_pipeline.web.pages.asked.query import Asked

_BY_HOURS = "/canales"
_COMPARING = ("/canales", "/canal", "/periodos", "/suscriptores")


@dataclass(frozen=True)
class Preset:
    """Days or hours with a name of their own.

    :ivar text: its name in the catalogue. :ivar chosen: whether it is what is shown.
    """

    text: str
    href: str
    chosen: bool


@dataclass(frozen=True)
class Form:
    """What stands in it, for a template.

    :ivar refused: the days that were typed into its fields, of a form that could not be answered; None: it was.
    """

    asked: Asked
    allowed: AllowedDays
    path: str
    channels: Sequence[str]
    refused: Mapping[str, str] | None = None

    @property
    def presets(self) -> list[Preset]:
        """Those of which there may be data."""
        found = []
        for name, period in presets(self.allowed.last).items():
            if part := within(period, self.allowed.first, self.allowed.last):
                href = self.asked.on(part).at(self.path, everything=False)
                found.append(Preset(f"preset_{name}", href, self.refused is None and part == self.asked.period))
        return found

    @property
    def days(self) -> Mapping[str, str]:
        """What stands in the fields of days, by their names."""
        asked = self.asked
        fields = {query.FROM: str(asked.period.first), query.TO: str(asked.period.last)}
        others = asked.against if asked.comparison == query.OTHERS else None
        fields[query.AGAINST_FROM] = str(others.first) if others else ""
        fields[query.AGAINST_TO] = str(others.last) if others else ""
        return {**fields, **(self.refused or {})}

    def when(self, period: Period, speech: Speech) -> str:
        """Return days, and which hours of them where some are chosen on a page that shows hours: ``vie 27 nov, 20 a 24 h``."""
        days = speech.days(period)
        return f"{days}, {speech.hours(self.asked.hours.start, self.asked.hours.stop)}" if self.has_hours else days

    @property
    def has_hours(self) -> bool:
        """Whether what the page shows first is of some hours."""
        return self.path == _BY_HOURS and bool(self.asked.part)

    @property
    def compares(self) -> bool:
        """Whether the page sets its days against others."""
        return self.path in _COMPARING

    @property
    def comparisons(self) -> Mapping[str, str]:
        """What days can be compared with, and its name in the catalogue."""
        return query.AGAINST_CHOICES

    @property
    def parts(self) -> list[Preset]:
        """The whole day, and the parts of it."""
        texts = {"": "whole_day", **{part: f"part_{part}" for part in PARTS}}
        return [
            Preset(text, self.asked.at(self.path, part=part, everything=False), part == self.asked.part)
            for part, text in texts.items()
        ]
