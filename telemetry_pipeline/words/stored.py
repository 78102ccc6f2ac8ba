"""The words that results store. Readers of the tables go by them, and a changed one has what stores it computed anew."""

from __future__ import annotations

SMALL_HOURS, MORNING, AFTERNOON, EVENING = "madrugada", "mañana", "tarde", "noche"
"""The parts of the day."""

STRONG, MODERATE, WEAK = "fuerte", "moderada", "débil"
"""Of a trend or a correlation."""

GROWING, FALLING = "creciente", "decreciente"
"""Where a trend goes."""
INCREASE, DECREASE = "aumento", "disminución"
"""What a change is."""
STEADY = "estable"
"""A trend or a change that is neither."""

PEAK, VALLEY = "pico", "valle"
"""A day far above the mean, and one far below it."""

FOUR_SEGMENTS = ("ocasionales", "regulares", "activos", "super activos")
"""Segments of subscribers where there are four, those who watch least first."""
SEGMENT = "segmento"
"""Of another number of segments each, with its number behind it."""

QUINTILES = ("inactivo", "ocasional", "regular", "activo", "super_activo")
"""Fifths of subscribers, those who watch least first."""


def by_sign(value: float, above: str, below: str, bound: float = 0) -> str:
    """Return what a change is called that is beyond the bound, above or below, or within it."""
    return above if value > bound else below if value < -bound else STEADY
