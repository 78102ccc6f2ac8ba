"""What stands in the pictures of single analyses, beside the words of their columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

TITLES: Mapping[str, str] = {"three_days": "El día contra ayer y hace una semana"}
"""Of pictures that an analysis has beside its own."""

ACTIVE_SUBSCRIBERS = "suscriptores activos"
AFTER = "después"
ALL = "todos"
AT_ONCE_PER_DAY = "a la vez, por día"
BEFORE = "antes"
CHANGE = "cambio"
CHANGE_IN_PCT = "cambio en %"
CHANGE_PCT = "cambio, % del día anterior"
DEVIATIONS = "desviaciones estándar respecto de la media"
DIRECTION = "dirección"
DORMANT = "dormidos"
EARLIER = "anteriores"
FIRST_DAY = "reprod. el primer día"
FORECAST = "pronóstico (95 %)"
HABIT = "hábito"
HOURS_PER_QUINTILE = "horas vistas por quintil de suscriptores"
IN_30_DAYS = "30 días"
IN_7_DAYS = "7 días"
LAST_DAY = "reprod. el último día"
MEAN = "media"
MEAN_DURATION = "duración media"
MEAN_OF_7_DAYS = "media de 7 días"
MEAN_PER_SUBSCRIBER = "media por suscriptor"
MINUTES = "minutos"
MINUTES_PER_VIEW = "minutos por reproducción y canal"
MONTHS_SINCE = "meses desde el primero"
MOST = "máximo"
NEW = "nuevos"
NOW = "ahora"
ON_THE_DAY = "al día"
PCT_OF_ACTIVE_PER_CHANNEL = "% de suscriptores activos por canal"
PCT_OF_COHORT = "% de suscriptores de la cohorte"
PCT_OF_MONTHLY = "% de los activos de 30 días que ven al día"
PEARSON = "coeficiente de Pearson: de -1 (rojo) a +1 (azul)"
PER_DAY = "por día"
PER_HOUR = "por hora"
POINTS_OF_100 = "puntos de 100"
REACH = "alcance"
RETURNING = "vuelven"
SCORE_DURATION = "duración"
SCORE_HOURS = "horas"
SLOPE = "pendiente por día"
STRENGTH = "fuerza"
SUBSCRIBERS_PER_SEGMENT = "suscriptores por segmento"
TIMES_THE_MEAN = "veces la media"
TIMES_THE_MEAN_SUBSCRIBER = "veces la media de los suscriptores"
TO_CHANNEL = "al canal"
TRANSITIONS = "cambios, desde el canal de la fila"
TREND = "tendencia"
WATCHING_BY_HOUR = "suscriptores viendo, media de cada hora"
VIEWS_PER_DAY = "reproducciones por día"
VIEWS_PER_HOUR = "reproducciones por hora"
VIEWS_PER_SUBSCRIBER_AND_RISK = "reproducciones por suscriptor y riesgo"
VIEWS_SHORT = "reprod."
NOT_SETTLED = "aún no es definitivo: faltan las reproducciones que terminan después"
FEW_SUBSCRIBERS = "gris o °: cifra de pocos suscriptores"
PICTURE = "gráfica"
MONTHS = ("ene", "feb", "mar", "abr", "may", "jun", "jul", "ago", "sep", "oct", "nov", "dic")


def more(count: int) -> str:
    """Return how many are not shown."""
    return f"y {count:,} más"


def more_channels(count: int) -> str:
    """Return how many channels are not shown."""
    return f"y {count:,} canales más"


def joined(names: Sequence[str]) -> str:
    """Return names with *and* before the last."""
    return " y ".join([", ".join(names[:-1]), *names[-1:]] if len(names) > 1 else names)


def by(measures: str, names: str) -> str:
    """Return a heading: what of what."""
    return f"{measures} por {names}"


def day(value: date) -> str:
    """Return a date: ``26 nov 2026``."""
    return f"{value.day} {MONTHS[value.month - 1]} {value.year}"


def provisional(day: str, time: str) -> str:
    """Say up to when a result is known."""
    return f"provisional: con datos hasta el {day}, {time}"


def incomplete(days: Sequence[str], others: int) -> str:
    """Return days of which some is missing, and how many others there are."""
    return f"incompleto: {', '.join(days)}" + (f" y {others:,} días más" if others else "")


def hour(value: float) -> str:
    """Return an hour of the day: ``20 h``."""
    return f"{value:.0f} h"


def stronger_is_more(most: str) -> str:
    """Return how a map without numbers is to be read."""
    return f"el más intenso: {most}"
