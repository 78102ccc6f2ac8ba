"""What jobs do, and what the assets are that are no analysis, by their names."""

from __future__ import annotations

from collections.abc import Mapping

PURPOSES: Mapping[str, tuple[str, str]] = {
    "telemetry_tick": (
        "Sincronizar lo nuevo, unirlo y analizar un día: hoy, cada dos minutos.",
        "Synchronise what is new, merge it, and analyse one day: today, every two minutes.",
    ),
    "telemetry_range": (
        "Leer otra vez unos días, guardar lo que falta, unirlos de nuevo y analizar cada uno.",
        "Read a range of days again, store what is missing, merge the days anew, and analyse each of them.",
    ),
    "telemetry_merge": ("Unir de nuevo las reproducciones de unos días.", "Merge the views of a range of days anew."),
    "telemetry_rebuild": (
        "Analizar unos días cuyas reproducciones cambiaron después de analizarlos.",
        "Analyse a range of days whose views changed after they had been analysed.",
    ),
    "telemetry_cleanup": (
        "Borrar resultados que nadie pidió en mucho tiempo, y ejecuciones viejas.",
        "Delete results that nobody asked for in a long time, and old runs.",
    ),
    "telemetry_records": ("La telemetría como la da PanAccess.", "Viewing telemetry as PanAccess gives it."),
    "daily_report": (
        "El informe de un día: PDF, Excel y HTML.",
        "The report of a day: PDF, Excel and HTML.",
    ),
    "weekly_report": ("El informe de una semana.", "The report of an ISO week."),
    "monthly_report": ("El informe de un mes.", "The report of a month."),
    "channel_report": ("El informe de un canal en un mes.", "The report of one channel over a month."),
    "ott_views": (
        "Reproducciones OTT terminadas, con el nombre de su canal.",
        "Finished OTT playbacks with the names of their channels.",
    ),
}
