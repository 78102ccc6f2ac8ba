"""What the parameters of analyses are called where people fill them in, and what each is for.

What it is for is said in English where the parameter is declared.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from telemetry_pipeline.words.language import Language

_CHANNELS = ("Canales", "Channels", "Cuántos canales se listan")

PARAMETERS: Mapping[str, tuple[str, str, str]] = {
    "absent_days": ("Días sin ver", "Days away", "Desde cuántos días enteros sin ver nada es una ausencia"),
    "channel": ("Canal", "Channel", "Solo este canal. null: todos"),
    "channel_curve.channel": ("Canal", "Channel", "De qué canal se quiere saber"),
    "channel_curve.window_days": ("Días", "Days", "De cuántos días, con el propio, es la media. null: de todos los que hay"),
    "channel_report.channel": ("Canal", "Channel", "De qué canal es el informe"),
    "first": ("Primer día", "First day", "Con el último, de otros días que los de la partición: 2026-01-31"),
    "last": ("Último día", "Last day", "El último de esos días; pueden ser los que sean"),
    "deliver": ("Enviar", "Send", "Si se envía a quienes lo piden siempre, una vez por cada período"),
    "send_to": (
        "Enviar también a",
        "Send to, too",
        "Una dirección de correo que lo recibe, además de quienes lo piden siempre",
    ),
    "days": ("Días", "Days", "Cuántos de los últimos días se listan"),
    "win_back.days": ("Días del regreso", "Days of the return", "En cuántos de los últimos días se busca quién volvió"),
    "forecast_days": ("Días de pronóstico", "Days to forecast", "Cuántos días se pronostican"),
    "gap_minutes": (
        "Pausa, en minutos",
        "Pause, in minutes",
        "La pausa más larga entre dos canales que todavía cuenta como un cambio",
    ),
    "granularity": ("Una fila por", "A row for each", "daily: por día; weekly: por semana, desde el lunes; monthly: por mes"),
    "limit": _CHANNELS,
    "channel_flow.limit": ("Cambios", "Transitions", "Cuántos cambios de canal se listan"),
    "top_subscribers.limit": ("Suscriptores", "Subscribers", "Cuántos suscriptores se listan en cada lista"),
    "max_seconds": (
        "Segundos",
        "Seconds",
        "Cuánto trabaja un paso antes de que siga el próximo desde donde quedó; con varios días, 30 como máximo",
    ),
    "min_minutes": ("Minutos", "Minutes", "Desde cuántos minutos vistos se dice que se alcanzó a un suscriptor"),
    "min_views": ("Reproducciones", "Views", "Desde cuántas reproducciones en la primera mitad se toma en cuenta una caída"),
    "n_segments": ("Segmentos", "Segments", "En cuántos segmentos se dividen los suscriptores"),
    "subscriber_code": ("Código del suscriptor", "Code of the subscriber", "De quién se quiere saber"),
    "threshold_std": (
        "Desviaciones",
        "Deviations",
        "A más de cuántas desviaciones estándar de la media un día es fuera de lo común",
    ),
    "top_n": _CHANNELS,
    "subscriber_views.top_n": ("Reproducciones", "Views", "Cuántas reproducciones se listan"),
    "period_subscribers.top_n": ("Suscriptores", "Subscribers", "Cuántos suscriptores se listan"),
    "window_days": (
        "Días hacia atrás",
        "Days to look back",
        "Cuántos días se miran hacia atrás, con el propio. null: todos los que hay",
    ),
    "churn_risk.window_days": (
        "Días en dos mitades",
        "Days in two halves",
        "Cuántos días, con el propio, se parten en dos mitades que se comparan. null: todos los que hay",
    ),
    "viewing_forecast.window_days": (
        "Días de la tendencia",
        "Days of the trend",
        "De cuántos días, con el propio, es la tendencia. null: de todos los que hay",
    ),
}
"""By ``analysis.parameter`` where it is something of its own there, else by the parameter: its label in both languages, and in
Spanish what it is for.
"""


@dataclass(frozen=True)
class Parameter:
    """What people are told of a parameter.

    :ivar means: what it is for; None: what its declaration says.
    """

    label: str
    means: str | None


def find_parameter(analysis: str, name: str, language: Language) -> Parameter | None:
    """Return what is said of a parameter; None: it has no words."""
    said = PARAMETERS.get(f"{analysis}.{name}") or PARAMETERS.get(name)
    if said is None:
        return None
    spanish, english, means = said
    return Parameter(spanish, means) if language is Language.ES else Parameter(english, None)
