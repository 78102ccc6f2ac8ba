"""What the parameters of analyses are called where people fill them in, and what each is for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from telemetry_pipeline.words.language import Language

Both = tuple[str, str]
_CHANNELS: tuple[Both, Both] = (("Canales", "Channels"), ("Cuántos canales se listan", "Channels to list"))
_SUBSCRIBERS: tuple[Both, Both] = (
    ("Suscriptores", "Subscribers"),
    ("Cuántos suscriptores se listan", "Subscribers to list"),
)

PARAMETERS: Mapping[str, tuple[Both, Both]] = {
    "absent_days": (
        ("Días sin ver", "Days away"),
        (
            "Desde cuántos días enteros sin ver nada es una ausencia",
            "Whole days without a view from which on it is an absence",
        ),
    ),
    "channel": (("Canal", "Channel"), ("Solo este canal. null: todos", "Only this channel. null: all")),
    "channel_curve.channel": (("Canal", "Channel"), ("De qué canal se quiere saber", "The channel to look at")),
    "channel_curve.window_days": (
        ("Días", "Days"),
        (
            "De cuántos días, con el propio, es la media. null: de todos los que hay",
            "Days to average, the own one included. null: all history",
        ),
    ),
    "days": (
        ("Días", "Days"),
        ("Cuántos de los últimos días se listan", "Last days of the window to list"),
    ),
    "win_back.days": (
        ("Días del regreso", "Days of the return"),
        (
            "En cuántos de los últimos días se busca quién volvió",
            "Last days of the window in which a return is listed",
        ),
    ),
    "forecast_days": (("Días de pronóstico", "Days to forecast"), ("Cuántos días se pronostican", "Days to forecast")),
    "gap_minutes": (
        ("Pausa, en minutos", "Pause, in minutes"),
        (
            "La pausa más larga entre dos canales que todavía cuenta como un cambio",
            "The longest pause within a transition",
        ),
    ),
    "granularity": (
        ("Una fila por", "A row for each"),
        (
            "day: por día; week: por semana, desde el lunes; month: por mes",
            "day, week (from Monday) or month (of the calendar)",
        ),
    ),
    "limit": _CHANNELS,
    "channel_flow.limit": (("Cambios", "Transitions"), ("Cuántos cambios de canal se listan", "Transitions to list")),
    "top_subscribers.limit": (
        ("Suscriptores", "Subscribers"),
        ("Cuántos suscriptores se listan en cada lista", "Subscribers to list in each ranking"),
    ),
    "max_seconds": (
        ("Segundos", "Seconds"),
        (
            "Cuánto trabaja un paso antes de que siga el próximo desde donde quedó; con varios días, 30 como máximo",
            "How long one step works before the next one goes on; in a range 30 at most",
        ),
    ),
    "min_minutes": (
        ("Minutos", "Minutes"),
        (
            "Desde cuántos minutos vistos se dice que se alcanzó a un suscriptor",
            "Minutes from which on a subscriber is reached",
        ),
    ),
    "min_views": (
        ("Reproducciones", "Views"),
        (
            "Desde cuántas reproducciones en la primera mitad se toma en cuenta una caída",
            "Views in the first half from which on a fall counts",
        ),
    ),
    "n_segments": (
        ("Segmentos", "Segments"),
        ("En cuántos segmentos se dividen los suscriptores", "Segments to divide subscribers into"),
    ),
    "subscriber_code": (
        ("Código del suscriptor", "Code of the subscriber"),
        ("De quién se quiere saber", "Who is to be looked at"),
    ),
    "threshold_std": (
        ("Desviaciones", "Deviations"),
        (
            "Desde cuántas desviaciones estándar respecto de la media un día es fuera de lo común",
            "Standard deviations from the mean from which on a day is unusual",
        ),
    ),
    "top_n": _CHANNELS,
    "period_subscribers.top_n": _SUBSCRIBERS,
    "window_days": (
        ("Días hacia atrás", "Days to look back"),
        (
            "Cuántos días se miran hacia atrás, con el propio. null: todos los que hay",
            "Days to look back, the own one included. null: all history",
        ),
    ),
    "churn_risk.window_days": (
        ("Días en dos mitades", "Days in two halves"),
        (
            "Cuántos días, con el propio, se parten en dos mitades que se comparan. null: todos los que hay",
            "Days to halve, the own one included. null: all history",
        ),
    ),
    "viewing_forecast.window_days": (
        ("Días de la tendencia", "Days of the trend"),
        (
            "De cuántos días, con el propio, es la tendencia. null: de todos los que hay",
            "Days that the trend is of, the own one included. null: all history",
        ),
    ),
}
"""By ``analysis.parameter`` where it is something of its own there, else by the parameter: its label, and what it is for."""


@dataclass(frozen=True)
class Parameter:
    """What people are told of a parameter."""

    label: str
    means: str


def find_parameter(analysis: str, name: str, language: Language) -> Parameter | None:
    """Return what is said of a parameter; None: it has no words."""
    said = PARAMETERS.get(f"{analysis}.{name}") or PARAMETERS.get(name)
    place = list(Language).index(language)
    return Parameter(*(texts[place] for texts in said)) if said else None
