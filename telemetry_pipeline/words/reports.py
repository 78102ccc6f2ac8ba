"""What reports say around their figures, by names: ``Texts(REPORTS, language)``."""

from __future__ import annotations

from collections.abc import Mapping

REPORTS: Mapping[str, tuple[str, str]] = {
    "daily_report": ("Informe diario", "Daily report"),
    "weekly_report": ("Informe semanal", "Weekly report"),
    "monthly_report": ("Informe mensual", "Monthly report"),
    "channel_report": ("Informe de canal", "Channel report"),
    "made": ("Hecho el {moment}", "Made {moment}"),
    "before": ("Antes: {value}", "Before: {value}"),
    "incomplete": (
        "Incompleto: falta leer registros de {days}. Las cifras pueden cambiar.",
        "Incomplete: records of {days} are still to be read. Figures may change.",
    ),
    "first_rows": ("Las primeras {shown} de {count} filas.", "The first {shown} of {count} rows."),
    "nothing": ("En estos días no hay nada que mostrar.", "There is nothing to show on these days."),
    "small_base": ("En gris: cifra de pocos suscriptores.", "Grey: a figure of few subscribers."),
    "provisional": ("En cursiva: puede crecer todavía.", "Slanted: may still grow."),
}
