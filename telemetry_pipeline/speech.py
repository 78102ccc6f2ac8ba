"""A language as pages speak it: its words, and numbers and days as its readers write them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from babel import localedata
from babel.dates import format_date, format_datetime, format_timedelta
from babel.numbers import format_decimal

from telemetry_pipeline.days import Period
from telemetry_pipeline.printable import NO_BREAK, cut
from telemetry_pipeline.words.language import Language, Texts

NULL = "—"
_LOCALES = {Language.ES: "es_MX", Language.EN: "en_US"}
_CUT = 60


def load_languages() -> None:
    """Read how numbers and days are written in each language, for which the first that speaks it waits 0.1 s otherwise."""
    for locale in _LOCALES.values():
        localedata.load(locale)


class Speech:
    """One of the languages, with the clock of the operator.

    :param catalogue: the words of some pages, in every language.
    :ivar say: those of this one.
    """

    def __init__(self, catalogue: Mapping[str, tuple[str, str]], language: Language, zone: ZoneInfo) -> None:
        self.language = language
        self.locale = _LOCALES[language]
        self.zone = zone
        self.say = Texts(catalogue, language)
        localedata.load(self.locale)

    def number(self, value: float | None, decimals: int | None = None) -> str:
        """Write a number with as many decimals as say something: three digits, or those that are asked for."""
        if value is None or math.isnan(value):
            return NULL
        if decimals is None:
            decimals = 0 if value == round(value) or abs(value) >= 100 else 1 if abs(value) >= 10 else 2
        pattern = "#,##0" + ("." + "0" * decimals if decimals else "")
        return str(format_decimal(value, pattern, locale=self.locale))

    def percent(self, value: float | None) -> str:
        """Return a part of a hundred."""
        return NULL if value is None or math.isnan(value) else f"{self.number(value, 1 if abs(value) < 99.95 else 0)} %"

    def change(self, value: float | None) -> str:
        """Return a change in percent, with its sign."""
        if value is None or math.isnan(value):
            return NULL
        sign = "+" if value > 0 else "\N{MINUS SIGN}" if value < 0 else ""
        return f"{sign}{self.percent(abs(value))}"

    def seconds(self, value: float | None) -> str:
        """Return a duration of a view, which no line breaks: ``12 min 30 s``."""
        if value is None or math.isnan(value):
            return NULL
        whole = round(value)
        if whole < 60:
            written = f"{whole} s"
        elif whole < 3600:
            written = f"{whole // 60} min {whole % 60:02} s"
        else:
            written = f"{self.number(whole // 3600)} h {whole % 3600 // 60:02} min"
        return written.replace(" ", NO_BREAK)

    def day(self, value: date, *, weekday: bool = False) -> str:
        """Write a day: ``26 nov 2026``; with its weekday, ``jue 26 nov 2026``."""
        return str(format_date(value, ("EEE d MMM y" if weekday else "d MMM y"), locale=self.locale)).replace(".", "")

    def weekday(self, value: date) -> str:
        """Return its name."""
        return str(format_date(value, "EEEE", locale=self.locale))

    def month(self, value: date) -> str:
        """Write a month: ``nov 2026``."""
        return str(format_date(value, "MMM y", locale=self.locale)).replace(".", "")

    def days(self, period: Period) -> str:
        """Return a period: ``jue 26 nov 2026``, and, of several days, from the first to the last."""
        first, last = period.first, period.last
        if first == last:
            return self.day(first, weekday=True)
        pattern = (
            "d" if (first.year, first.month) == (last.year, last.month) else "d MMM" if first.year == last.year else "d MMM y"
        )
        begin = str(format_date(first, pattern, locale=self.locale)).replace(".", "")
        return f"{begin} \N{EN DASH} {self.day(last)}"

    def moment(self, value: datetime) -> str:
        """Write a moment: ``26 nov 2026, 14:32`` by the operator's clock."""
        return str(format_datetime(value.astimezone(self.zone), "d MMM y, HH:mm", locale=self.locale)).replace(".", "")

    def age(self, seconds: float) -> str:
        """Write how long ago something was: ``3 horas``."""
        return str(format_timedelta(timedelta(seconds=max(0.0, seconds)), threshold=1.5, locale=self.locale))

    def hour(self, hour: int) -> str:
        """Return an hour where there is little room: ``20 h``."""
        return f"{hour} h"

    def hours(self, first: int, end: int | None = None) -> str:
        """Return hours of the day, or one: ``20 a 21 h``."""
        to = "a" if self.language is Language.ES else "to"
        return f"{first} {to} {first + 1 if end is None else end} h"

    def cut(self, text: str) -> str:
        """Return a name of somebody else's where there is little room."""
        return cut(text, _CUT)
