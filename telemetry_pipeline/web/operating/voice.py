"""How these pages say what they know: their words, and numbers, moments and sizes as readers write them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal

from telemetry_pipeline.amounts import duration, size
from telemetry_pipeline.client.answers import Run, Step
from telemetry_pipeline.words.language import Language, Texts
from telemetry_pipeline.words.operating import OPERATING

NULL = "—"
_LOCALES = {Language.ES: "es_MX", Language.EN: "en_US"}


class Voice:
    """One of the languages, with the clock of the operator.

    :ivar say: the words.
    """

    def __init__(self, language: Language, zone: ZoneInfo) -> None:
        self.language = language
        self.zone = zone
        self.say = Texts(OPERATING, language)
        self._locale = _LOCALES[language]

    def number(self, value: float | None, decimals: int = 0) -> str:
        """Thousands apart."""
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        return NULL if value is None else str(format_decimal(value, pattern, locale=self._locale))

    def size(self, count: float) -> str:
        """So many bytes."""
        return size(count)

    def took(self, seconds: float | None) -> str:
        """A time span."""
        return NULL if seconds is None else duration(max(0.0, seconds))

    def age(self, seconds: float) -> str:
        """``3 minutos``."""
        return str(format_timedelta(timedelta(seconds=max(0.0, seconds)), threshold=1.5, locale=self._locale))

    def moment(self, value: datetime | None) -> str:
        """``28 nov 2026, 14:32:05`` by the operator's clock."""
        if value is None:
            return NULL
        text = format_datetime(value.astimezone(self.zone), "d MMM y, HH:mm:ss", locale=self._locale)
        return str(text).replace(".", "")

    def clock(self, value: datetime) -> str:
        """``14:32:05`` by the operator's clock."""
        return f"{value.astimezone(self.zone):%H:%M:%S}"

    def month(self, value: date) -> str:
        """``nov 2026``."""
        return str(format_date(value, "MMM y", locale=self._locale)).replace(".", "")

    def days(self, run: Run) -> str:
        """Those of a run, as they are asked for."""
        first, last = run.partitions or ("", "")
        return first if first == last else f"{first} \N{EN DASH} {last}"

    def course(self, ran: Run | Step, now: datetime) -> str:
        """How long something took, or has taken so far."""
        return NULL if ran.started_at is None else self.took(((ran.ended_at or now) - ran.started_at).total_seconds())


def cut(text: str, length: int = 160) -> str:
    """A text of somebody else where there is little room, without what a page would obey; the whole is shown elsewhere."""
    shown = "".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text)
    return shown if len(shown) <= length else f"{shown[: length - 1]}…"
