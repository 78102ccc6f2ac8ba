"""How each analysis looks: one function of its name, which puts the result on a sheet.

Titles and units are Spanish, as operators speak. How panels are drawn, and how an SVG gets small, is in ``figures``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from urllib.parse import quote

import numpy as np
import numpy.typing as npt
import pandas as pd

from telemetry_pipeline.reports import figures
from telemetry_pipeline.reports.figures import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    RED,
    Numbers,
    Sheet,
)

_LISTED = 4
"""Days that lack some."""
_LONGEST = 180
"""Dates of a series; there are not many more pixels."""
_COHORTS = 12
"""Cohorts, and months after their first."""
_FLOWS = 14
_CHANNEL, _VIEWS, _HOURS, _DATE = "canal", "reproducciones", "horas vistas", "fecha"
_SUBSCRIBERS, _DEVICES, _CHANNELS = "suscriptores", "dispositivos", "canales"
_ACTIVE_DAYS = "días activos"
_WORDS = {
    "views": _VIEWS,
    "subscribers": _SUBSCRIBERS,
    "active_subscribers": _SUBSCRIBERS,
    "unique_subscribers": _SUBSCRIBERS,
    "unique_devices": _DEVICES,
    "unique_channels": _CHANNELS,
    "watch_hours": _HOURS,
    "active_days": _ACTIVE_DAYS,
    "average_seconds": "seg. por reprod.",
    "max_seconds": "seg., máximo",
    "min_seconds": "seg., mínimo",
    "average_hour": "hora media",
    "days": "días",
    "days_in_period": "días del periodo",
    "views_per_day": "reprod. por día",
    "views_per_active_day": "reprod. por día activo",
    "watch_hours_per_active_day": "horas por día activo",
    "activity_pct": "días con actividad",
    "retention_pct": "activos 2 días o más",
}

Chart = Callable[[Sheet, pd.DataFrame], None]
_charts: dict[str, tuple[str, Chart]] = {}


def draw(name: str, frame: pd.DataFrame) -> str | None:
    """The chart of a result of the analysis *name*, as SVG; None if there is nothing to draw, or no such chart.

    The same result always gives the same text, and whatever the result holds, it is a few kilobytes.
    """
    if frame.empty or name not in _charts:
        return None
    title, chart = _charts[name]
    with figures.styled():
        sheet = Sheet(title)
        chart(sheet, frame)
        for remark in _remarks(frame):
            sheet.note(remark)
        return sheet.svg()


def _remarks(frame: pd.DataFrame) -> list[str]:
    """What is to be known of a result before it is believed: up to when it is known, which days lack some, small bases."""
    facts = frame.attrs.get("facts", {})
    days = [date.fromisoformat(each) for each in facts.get("provisional_days", ())]
    remarks = []
    if until := facts.get("known_until"):
        moment = datetime.fromisoformat(until)
        remarks.append(f"provisional: con datos hasta el {figures.day(moment.date())}, {moment:%H:%M}")
        days = [each for each in days if each != moment.date()]
    if days:
        more = f" y {len(days) - _LISTED:,} días más" if len(days) > _LISTED else ""
        remarks.append(f"incompleto: {', '.join(figures.day(each) for each in days[:_LISTED])}{more}")
    if facts.get("settled") is False and not until:
        remarks.append("aún no es definitivo: faltan las reproducciones que terminan después")
    if _small(frame).any():
        remarks.append("gris o °: cifra de pocos suscriptores")
    return remarks


def _small(frame: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Which rows are of few subscribers."""
    return _flags(frame, "small_base")


def _flags(frame: pd.DataFrame, column: str) -> npt.NDArray[np.bool_]:
    if column not in frame:
        return np.zeros(len(frame), dtype=bool)
    return frame[column].eq(True).fillna(False).to_numpy(dtype=bool)


def _shades(frame: pd.DataFrame, colour: str = BLUE) -> list[str]:
    """The colour of each row: grey for few subscribers, pale where the day is not complete."""
    pairs = zip(_small(frame), _flags(frame, "provisional"), strict=True)
    return [GREY if small else figures.pale(colour) if provisional else colour for small, provisional in pairs]


def as_markdown(svg: str) -> str:
    """An SVG as a Markdown image that needs no file; Dagster's web UI shows it."""
    return f"![gráfica](data:image/svg+xml,{quote(svg, safe='=/:;,')})"


def _chart(title: str) -> Callable[[Chart], Chart]:
    def register(function: Chart) -> Chart:
        _charts[function.__name__] = title, function
        return function

    return register


def _numbers(frame: pd.DataFrame, column: str) -> Numbers:
    return pd.to_numeric(frame[column], errors="coerce").to_numpy(dtype=float, na_value=np.nan)


def _texts(frame: pd.DataFrame, column: str) -> list[str]:
    return [str(each) for each in frame[column].fillna(figures.NULL)]


def _is(frame: pd.DataFrame, column: str, value: str) -> npt.NDArray[np.bool_]:
    return np.array([each == value for each in _texts(frame, column)], dtype=bool)


def _known(frame: pd.DataFrame, *columns: str) -> pd.DataFrame:
    return frame.dropna(subset=list(columns))


def _ranking(
    sheet: Sheet,
    frame: pd.DataFrame,
    names: str,
    measures: Mapping[str, str],
    heading: str,
    *,
    by: str | None = None,
    texts: Callable[[pd.DataFrame], list[str]] | None = None,
    stacked: bool = False,
) -> None:
    """Bars of some columns, in the frame's order, or the largest *by* one first."""
    if by:
        frame = frame.assign(_by=_numbers(frame, by)).sort_values("_by", ascending=False, kind="stable")
    series = {word: _numbers(frame, column) for column, word in measures.items()}
    labels, colours = _texts(frame, names), _shades(frame)
    if len(series) > 1:
        labels, colours = [f"{label} °" if small else label for label, small in zip(labels, _small(frame), strict=True)], []
    sheet.bars(labels, series, heading, texts(frame) if texts else None, stacked=stacked, colours=colours)


def _with_share(column: str, share: str) -> Callable[[pd.DataFrame], list[str]]:
    """Texts such as ``1,234 (5.6 %)``."""

    def texts(frame: pd.DataFrame) -> list[str]:
        pairs = zip(_numbers(frame, column), _numbers(frame, share), strict=True)
        return [f"{figures.number(value)} ({figures.percent(part)})" for value, part in pairs]

    return texts


def _percents(column: str) -> Callable[[pd.DataFrame], list[str]]:
    return lambda frame: [figures.percent(value) for value in _numbers(frame, column)]


def _recent(sheet: Sheet, frame: pd.DataFrame, column: str = "date") -> pd.DataFrame:
    """The last rows of a series, in order."""
    frame = _known(frame, column).sort_values(column, kind="stable")
    if len(frame) > _LONGEST:
        sheet.note(f"y {len(frame) - _LONGEST:,} más, anteriores")
    return frame.tail(_LONGEST)


def _columns(sheet: Sheet, frame: pd.DataFrame, measures: Sequence[str], column: str = "date", title: str = _DATE) -> None:
    """A panel of columns for each measure, one below the other."""
    frame = _recent(sheet, frame, column)
    for measure, colour in zip(measures, figures.PALETTE, strict=False):
        scale = figures.days(list(frame[column]), title)
        sheet.series(scale, {measure: _numbers(frame, measure)}, _WORDS[measure], colours=_shades(frame, colour))


def _marked(sheet: Sheet, frame: pd.DataFrame, colours: Sequence[str]) -> None:
    """Views by day, each in the colour of a peak, a valley or neither."""
    legend = {"pico": GREEN, "valle": RED}
    scale = figures.days(list(frame["date"]))
    sheet.series(scale, {_VIEWS: _numbers(frame, "views")}, f"{_VIEWS} por día", colours=colours, legend=legend, height=120)


def _channel_hours(sheet: Sheet, frame: pd.DataFrame, measure: str, heading: str) -> None:
    """Channels by hours, those with most of the measure on top."""
    frame = _known(frame, "channel", "hour")
    cells = pd.Series(_numbers(frame, measure), [_texts(frame, "channel"), _numbers(frame, "hour")])
    grid = cells.groupby(level=[0, 1]).sum(min_count=1).unstack()
    grid = grid.loc[grid.sum(axis=1).sort_values(ascending=False, kind="stable").index].reindex(columns=range(24))
    if len(grid) > figures.MOST:
        sheet.note(f"y {len(grid) - figures.MOST:,} más")
    grid = grid.head(figures.MOST)
    hours = [str(hour) for hour in range(24)]
    small = pd.Series(_small(frame), cells.index).groupby(level=[0, 1]).any().unstack()
    grey = small.reindex(index=grid.index, columns=range(24)).eq(True).to_numpy()
    sheet.heat(grid.to_numpy(dtype=float), list(grid.index), hours, f"{heading} por {_CHANNEL}", "hora del día", grey=grey)


def _sections(frame: pd.DataFrame, section: str, item: str, value: str) -> dict[str, float]:
    """The items of one section."""
    part = frame[_is(frame, "section", section)]
    return dict(zip(_texts(part, item), map(float, _numbers(part, value)), strict=True))


def _section_bars(
    sheet: Sheet, values: Mapping[str, float], heading: str, *, colour: str = BLUE, column: int = 0, of: int = 1
) -> None:
    labels = [_WORDS.get(name, name) for name in values]
    numbers = np.array(list(values.values()), dtype=float)
    sheet.bars(labels, {heading: numbers}, heading, colours=[colour] * len(labels), most=10, column=column, of=of)


def _tiles(sheet: Sheet, values: Mapping[str, float], columns: int = 5, heading: str = "") -> None:
    """Figures of metrics, by their words."""

    def write(name: str, value: float) -> str:
        return figures.percent(value) if name.endswith("_pct") else figures.number(value)

    sheet.tiles({_WORDS[name]: write(name, value) for name, value in values.items()}, columns, heading)


def _row(frame: pd.DataFrame) -> dict[str, float]:
    """The figures of a table of one row."""
    return {str(column): float(_numbers(frame, str(column))[0]) for column in frame.columns if column != "small_base"}


# Channels


@_chart("Canales con más reproducciones")
def top_channels(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Views and share of each channel."""
    _ranking(sheet, frame, "channel", {"views": _VIEWS}, f"{_VIEWS} por {_CHANNEL}", texts=_with_share("views", "share_pct"))


@_chart("Audiencia de cada canal")
def channel_audience(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Subscribers and devices of the channels with most subscribers."""
    measures = {"unique_subscribers": _SUBSCRIBERS, "unique_devices": _DEVICES}
    _ranking(sheet, frame, "channel", measures, f"audiencia por {_CHANNEL}", by="unique_subscribers")


@_chart("Horas de mayor audiencia de cada canal")
def peak_hours(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Views by channel and hour."""
    _channel_hours(sheet, frame, "views", _VIEWS)


@_chart("Duración media por canal")
def average_duration(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Mean minutes of a view, longest first."""
    frame = frame.assign(minutes=_numbers(frame, "average_seconds") / 60)
    _ranking(sheet, frame, "channel", {"minutes": "minutos"}, f"minutos por reproducción y {_CHANNEL}")


@_chart("Desempeño de los canales")
def channel_performance(sheet: Sheet, frame: pd.DataFrame) -> None:
    """The four scores, each a quarter of the whole."""
    scores = {
        "views_score": _VIEWS,
        "subscribers_score": _SUBSCRIBERS,
        "watch_time_score": "horas",
        "average_duration_score": "duración",
    }
    quarters = frame.assign(**{column: _numbers(frame, column) / 4 for column in scores})
    _ranking(sheet, quarters, "channel", scores, "puntos de 100", stacked=True)


@_chart("Reproducciones por país y proveedor")
def geography(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Views by country and provider, most first."""
    places = [" · ".join(each) for each in zip(_texts(frame, "country"), _texts(frame, "isp"), strict=True)]
    _ranking(sheet, frame.assign(place=places), "place", {"views": _VIEWS}, f"{_VIEWS} por país y proveedor", by="views")


# Time


@_chart("Consumo por periodo")
def viewing_by_period(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Views, subscribers and hours along the calendar."""
    _columns(sheet, frame, ("views", "unique_subscribers", "watch_hours"), "period_start", "inicio del periodo")


@_chart("Reproducciones de un día a otro")
def day_over_day(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Views of each day, and their change from the day before."""
    frame = _recent(sheet, frame)
    scale = figures.days(list(frame["date"]))
    sheet.series(scale, {"views": _numbers(frame, "views")}, _VIEWS, colours=_shades(frame))
    changes = _numbers(frame, "change_pct")
    signs = [RED if each < 0 else GREEN for each in changes]
    colours = [GREY if small else sign for sign, small in zip(signs, _small(frame), strict=True)]
    sheet.series(scale, {"change": changes}, "cambio, % del día anterior", colours=colours)


@_chart("Días fuera de lo común")
def anomalies(sheet: Sheet, frame: pd.DataFrame) -> None:
    """How far each listed day is from the mean, the farthest first."""
    frame = frame.assign(distance=abs(_numbers(frame, "z_score"))).sort_values("distance", ascending=False, kind="stable")
    z = _numbers(frame, "z_score")
    texts = [f"{each:+.1f} ({figures.number(views)} reprod.)" for each, views in zip(z, _numbers(frame, "views"), strict=True)]
    colours = [GREY if small else RED if each < 0 else GREEN for each, small in zip(z, _small(frame), strict=True)]
    sheet.bars(_texts(frame, "date"), {"z": z}, "desviaciones estándar respecto de la media", texts, colours=colours)


@_chart("Franjas del día")
def time_slots(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Views and share of the four slots."""
    _ranking(sheet, frame, "slot", {"views": _VIEWS}, f"{_VIEWS} por franja", texts=_with_share("views", "share_pct"))


@_chart("Pronóstico de reproducciones")
def viewing_forecast(sheet: Sheet, frame: pd.DataFrame) -> None:
    """History, its mean of seven days and the trend, and what is to come with its band."""
    frame = _recent(sheet, frame)
    lines = {
        _VIEWS: (_numbers(frame, "views"), GREY),
        "media de 7 días": (_numbers(frame, "moving_average_7d"), BLUE),
        "tendencia": (_numbers(frame, "trend"), GREEN),
        "pronóstico (95 %)": (_numbers(frame, "forecast"), ORANGE),
    }
    sheet.series(
        figures.days(list(frame["date"])),
        {name: values for name, (values, _) in lines.items()},
        "por día",
        lines=True,
        colours=[colour for _, colour in lines.values()],
        band=(_numbers(frame, "lower"), _numbers(frame, "upper")),
        height=200,
    )


# Everything


@_chart("Resumen general")
def general_summary(sheet: Sheet, frame: pd.DataFrame) -> None:
    """The five totals."""
    _tiles(sheet, _row(frame))


@_chart("Relación entre hábitos de los suscriptores")
def correlation(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Pearson's coefficient of each pair."""
    first, second = _texts(frame, "feature_a"), _texts(frame, "feature_b")
    names = list(dict.fromkeys(first + second))
    grid = np.full((len(names), len(names)), np.nan)
    for a, b, value in zip(first, second, _numbers(frame, "pearson"), strict=True):
        grid[names.index(b), names.index(a)] = value
    words = [_WORDS.get(name, name) for name in names]
    sheet.heat(
        grid[1:, :-1],
        words[1:],
        words[:-1],
        "coeficiente de Pearson: de -1 (rojo) a +1 (azul)",
        "hábito",
        written=True,
        diverging=True,
    )


# Subscribers


@_chart("Permanencia por cohorte")
def cohorts(sheet: Sheet, frame: pd.DataFrame) -> None:
    """The triangle: what part of a month's new subscribers came back in the months after."""
    frame = _known(frame, "cohort_month", "month")
    starts = sorted(set(frame["cohort_month"]))
    if len(starts) > _COHORTS:
        sheet.note(f"y {len(starts) - _COHORTS:,} más, anteriores")
        starts = starts[-_COHORTS:]
    frame = frame[frame["cohort_month"].isin(starts)]
    grid = np.full((len(starts), _COHORTS + 1), np.nan)
    grey = np.zeros(grid.shape, dtype=bool)
    columns = (frame["cohort_month"], frame["month"], _numbers(frame, "retention_pct"), _small(frame))
    for start, month, value, small in zip(*columns, strict=True):
        age = 12 * (month.year - start.year) + month.month - start.month
        if 0 <= age <= _COHORTS:
            grid[starts.index(start), age], grey[starts.index(start), age] = value, small
    reached = np.flatnonzero(~np.isnan(grid).all(axis=0))
    grid = grid[:, : reached.max(initial=0) + 1]
    sizes = dict(zip(frame["cohort_month"], _numbers(frame, "cohort_size"), strict=True))
    names = [f"{start:%Y-%m} ({figures.number(sizes[start])})" for start in starts]
    months = [str(age) for age in range(grid.shape[1])]
    grey = grey[:, : grid.shape[1]]
    sheet.heat(grid, names, months, f"% de {_SUBSCRIBERS} de la cohorte", "meses desde el primero", written=True, grey=grey)


@_chart("Segmentos de suscriptores")
def subscriber_segments(sheet: Sheet, frame: pd.DataFrame) -> None:
    """What part each segment is, and its means against those of all."""
    _ranking(
        sheet,
        frame,
        "segment",
        {"subscribers": _SUBSCRIBERS},
        f"{_SUBSCRIBERS} por segmento",
        texts=_with_share("subscribers", "share_pct"),
    )
    features = {
        "mean_watch_hours": _HOURS,
        "mean_views": _VIEWS,
        "mean_average_seconds": "duración media",
        "mean_unique_channels": _CHANNELS,
    }
    weights = np.nan_to_num(_numbers(frame, "subscribers"))
    means = np.array([_numbers(frame, column) for column in features])
    with np.errstate(divide="ignore", invalid="ignore"):
        relative = means / (np.nan_to_num(means) @ weights / weights.sum())[:, None]
    relative[~np.isfinite(relative)] = np.nan
    series = dict(zip((figures.shorten(name, 14) for name in _texts(frame, "segment")), relative.T, strict=False))
    sheet.bars(list(features.values()), series, "veces la media")


@_chart("Panorama de los suscriptores")
def subscriber_overview(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Totals, means per subscriber, and the hours of each fifth."""
    totals = _sections(frame, "total", "metric", "value") | _sections(frame, "retention", "metric", "value")
    wanted = ("subscribers", "views", "watch_hours", "retention_pct")
    _tiles(sheet, {name: totals.get(name, np.nan) for name in wanted}, columns=4)
    means = {name: value for name, value in _sections(frame, "mean", "metric", "value").items() if name in _WORDS}
    _tiles(sheet, means, heading="media por suscriptor")
    fifths = ("inactivo", "ocasional", "regular", "activo", "super_activo")
    spent = {fifth.replace("_", " "): _sections(frame, fifth, "metric", "value").get("watch_hours", np.nan) for fifth in fifths}
    _section_bars(sheet, spent, f"{_HOURS} por quintil de {_SUBSCRIBERS}", colour=PURPLE)


@_chart("Suscriptores más activos")
def top_subscribers(sheet: Sheet, frame: pd.DataFrame) -> None:
    """The three rankings side by side."""
    rankings = {"by_hours": (_HOURS, BLUE), "by_views": (_VIEWS, ORANGE), "by_channels": (_CHANNELS, GREEN)}
    for column, (ranking, (word, colour)) in enumerate(rankings.items()):
        part = frame[_is(frame, "ranking", ranking)]
        colours = [colour] * len(part)
        sheet.bars(_texts(part, "subscriber_code"), {word: _numbers(part, "value")}, word, colours=colours, column=column, of=3)


@_chart("Suscriptores activos por día")
def active_subscribers(sheet: Sheet, frame: pd.DataFrame) -> None:
    """How many each day."""
    _columns(sheet, frame, ("active_subscribers",))


@_chart("Suscriptores en riesgo de irse")
def churn_risk(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Views in both halves of the window of those at risk."""
    risks = {"high": "alto", "medium": "medio"}
    pairs = zip(_texts(frame, "subscriber_code"), _texts(frame, "risk"), strict=True)
    labels = [f"{figures.shorten(code, 20)} · {risks.get(risk, risk)}" for code, risk in pairs]
    measures = {"views_previous": "antes", "views_last": "después"}
    _ranking(sheet, frame.assign(label=labels), "label", measures, f"{_VIEWS} por suscriptor y riesgo")


@_chart("Perfil del suscriptor")
def subscriber_profile(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Totals, channels, slots, devices and hours of one subscriber."""
    totals = _sections(frame, "total", "item", "value")
    _tiles(sheet, {name: value for name, value in totals.items() if name in _WORDS}, columns=3)
    parts = (("channel", _CHANNEL, BLUE), ("device", "dispositivo", PURPLE), ("slot", "franja", ORANGE))
    for column, (section, word, colour) in enumerate(parts):
        values = _sections(frame, section, "item", "views")
        _section_bars(sheet, values, f"{_VIEWS} por {word}", colour=colour, column=column % 2, of=2)
    by_hour = {int(hour): value for hour, value in _sections(frame, "hour", "item", "views").items() if hour.isdecimal()}
    scale = figures.hours(list(by_hour))
    sheet.series(scale, {_VIEWS: np.array(list(by_hour.values()))}, f"{_VIEWS} por hora", height=60, column=1, of=2)


# Periods


@_chart("Resumen del periodo")
def period_summary(sheet: Sheet, frame: pd.DataFrame) -> None:
    """The ten figures."""
    _tiles(sheet, _row(frame))


@_chart("Comparación con el periodo anterior")
def period_comparison(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Before and now, side by side for each metric."""
    frame = frame.head(3)
    rows = zip(*(_numbers(frame, column) for column in ("previous", "current", "change_pct")), strict=True)
    for column, (metric, (before, now, pct)) in enumerate(zip(_texts(frame, "metric"), rows, strict=True)):
        heading = f"{_WORDS.get(metric, metric)}: {figures.change(pct)}"
        values = {metric: np.array([before, now])}
        sheet.bars(["antes", "ahora"], values, heading, colours=[GREY, BLUE], column=column % 3, of=3)


@_chart("Desglose del periodo")
def period_breakdown(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Views, subscribers and hours along the period."""
    _columns(sheet, frame, ("views", "unique_subscribers", "watch_hours"), "period_start", "inicio del periodo")


@_chart("Canales del periodo")
def period_channels(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Views and share of each channel."""
    _ranking(sheet, frame, "channel", {"views": _VIEWS}, f"{_VIEWS} por {_CHANNEL}", texts=_with_share("views", "share_pct"))


@_chart("Suscriptores del periodo")
def period_subscribers(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Views of each subscriber."""
    _ranking(sheet, frame, "subscriber_code", {"views": _VIEWS}, f"{_VIEWS} por suscriptor")


@_chart("Días pico y valle del periodo")
def period_events(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Views of each day; peaks and valleys in colours of their own."""
    frame = _recent(sheet, frame)
    flags = zip(*(frame[column].fillna(False).astype(bool) for column in ("is_peak", "is_valley")), strict=True)
    _marked(sheet, frame, [GREEN if peak else RED if valley else GREY for peak, valley in flags])


@_chart("Tendencia del periodo")
def period_trend(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Direction, slope and both ends."""
    row = _row(frame)
    sheet.tiles(
        {
            "dirección": _texts(frame, "direction")[0],
            "fuerza": _texts(frame, "strength")[0],
            "pendiente por día": figures.number(row["slope"]),
            "R²": figures.number(row["r_squared"]),
            "reprod. el primer día": figures.number(row["first_day_views"]),
            "reprod. el último día": figures.number(row["last_day_views"]),
            "cambio": figures.number(row["change"]),
            "cambio en %": figures.change(row["change_pct"]),
        },
        columns=4,
    )


@_chart("El suscriptor en el periodo")
def subscriber_period(sheet: Sheet, frame: pd.DataFrame) -> None:
    """One subscriber's days, channels and slots, and how he compares with the mean."""
    days = frame[_is(frame, "section", "day")]
    dates = pd.to_datetime(days["item"].astype(object), errors="coerce", format="%Y-%m-%d").dt.date
    days = _recent(sheet, days.assign(date=dates))
    outliers = _sections(frame, "outlier", "item", "value")
    z = [outliers.get(day, 0) for day in _texts(days, "item")]
    _marked(sheet, days, [GREEN if each > 0 else RED if each < 0 else GREY for each in z])
    own = _sections(frame, "comparison", "item", "value")
    mean = _sections(frame, "comparison", "item", "reference")
    times = [value / mean[name] if mean[name] else np.nan for name, value in own.items()]
    texts = [f"{figures.number(value)} (media {figures.number(mean[name])})" for name, value in own.items()]
    sheet.bars([_WORDS.get(name, name) for name in own], {"": np.array(times)}, "veces la media de los suscriptores", texts)
    for column, (section, word) in enumerate((("channel", _CHANNEL), ("slot", "franja"))):
        _section_bars(sheet, _sections(frame, section, "item", "views"), f"{_VIEWS} por {word}", column=column, of=2)


# Audience


@_chart("Alcance")
def reach(sheet: Sheet, frame: pd.DataFrame) -> None:
    """What part of the active subscribers everything and each channel reached."""
    total = _is(frame, "scope", "total")
    order = np.lexsort((-np.nan_to_num(_numbers(frame, "reach_pct")), ~total))
    frame = frame.assign(channel=frame["channel"].mask(total, "todos")).iloc[order]
    texts = _with_share("reached_subscribers", "reach_pct")
    _ranking(sheet, frame, "channel", {"reach_pct": "alcance"}, f"% de {_SUBSCRIBERS} activos por {_CHANNEL}", texts=texts)


@_chart("Audiencia media por canal y hora")
def average_audience(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Subscribers at the mean minute of each hour."""
    _channel_hours(sheet, frame, "average_audience", f"{_SUBSCRIBERS} en el minuto medio")


@_chart("Rating por canal y hora")
def rating(sheet: Sheet, frame: pd.DataFrame) -> None:
    """The same in percent of all active subscribers."""
    _channel_hours(sheet, frame, "rating_pct", f"% de {_SUBSCRIBERS} activos")


@_chart("Participación en el tiempo visto")
def share(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Each channel's part of the watch time."""
    _ranking(sheet, frame, "channel", {"share_pct": "%"}, f"% de las {_HOURS} por {_CHANNEL}", texts=_percents("share_pct"))


@_chart("Concurrencia")
def concurrency(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Peak and mean at the same time: of each day, and of each hour over all days."""
    of_days = _recent(sheet, frame[frame["hour"].isna()])
    of_hours = _known(frame, "hour")
    hours = sorted(set(of_hours["hour"]))
    for kind, word in (("streams", _VIEWS), ("subscribers", _SUBSCRIBERS)):
        lines = {"máximo": _numbers(of_days, f"peak_{kind}"), "media": _numbers(of_days, f"mean_{kind}")}
        sheet.series(figures.days(list(of_days["date"])), lines, f"{word} a la vez, por día", lines=True, height=80)
    groups = of_hours.groupby("hour")
    for column, (kind, word) in enumerate((("streams", _VIEWS), ("subscribers", _SUBSCRIBERS))):
        lines = {
            "máximo": groups[f"peak_{kind}"].max().to_numpy(dtype=float, na_value=np.nan),
            "media": groups[f"mean_{kind}"].mean().to_numpy(dtype=float, na_value=np.nan),
        }
        sheet.series(figures.hours(hours), lines, f"{word}, por hora", lines=True, height=80, column=column, of=2)


@_chart("De qué canal a qué canal")
def channel_flow(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Transitions between the channels that have most of them."""
    frame = _known(frame, "from_channel", "to_channel")
    ways = list(zip(_texts(frame, "from_channel"), _texts(frame, "to_channel"), _numbers(frame, "transitions"), strict=True))
    counts = pd.Series([n for *_, n in ways] * 2, index=[a for a, *_ in ways] + [b for _, b, _ in ways], dtype=float)
    names = list(counts.groupby(level=0).sum().sort_values(ascending=False, kind="stable").index)
    if len(names) > _FLOWS:
        sheet.note(f"y {len(names) - _FLOWS:,} canales más")
    names = names[:_FLOWS]
    grid = np.full((len(names), len(names)), np.nan)
    for a, b, n in ways:
        if a in names and b in names:
            grid[names.index(a), names.index(b)] = n
    sheet.heat(grid, names, names, f"cambios, desde el {_CHANNEL} de la fila", f"al {_CHANNEL}", written=True)


@_chart("Fidelidad de la audiencia")
def stickiness(sheet: Sheet, frame: pd.DataFrame) -> None:
    """Actives by day, week and month, their ratio, and who came, came back and stayed away."""
    frame = _recent(sheet, frame)
    for heading, lines in (
        (f"{_SUBSCRIBERS} activos", {"al día": "daily_active", "7 días": "weekly_active", "30 días": "monthly_active"}),
        ("% de los activos de 30 días que ven al día", {"al día": "stickiness_pct"}),
        (_SUBSCRIBERS, {"nuevos": "new_subscribers", "vuelven": "returning_subscribers", "dormidos": "dormant_subscribers"}),
    ):
        values = {name: _numbers(frame, column) for name, column in lines.items()}
        sheet.series(figures.days(list(frame["date"])), values, heading, lines=True, height=80)
