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
    "lacking": (
        "De {days} falta una parte que no llegó: las cifras son de lo que hay.",
        "Of {days} a part never arrived: figures are of what there is.",
    ),
    "unwatched": ("En estos días nadie vio este canal.", "Nobody watched this channel on these days."),
    "unwatched_days": ("Nadie vio este canal: {days}.", "Nobody watched this channel: {days}."),
    "first_rows": ("Las primeras {shown} de {count} filas.", "The first {shown} of {count} rows."),
    "nothing": ("En estos días no hay nada que mostrar.", "There is nothing to show on these days."),
    "small_base": ("En gris: cifra de pocos suscriptores.", "Grey: a figure of few subscribers."),
    "provisional": ("En cursiva: puede crecer todavía.", "Slanted: may still grow."),
    "yes": ("sí", "yes"),
    "no": ("no", "no"),
    "summary": ("Resumen", "Summary"),
    "about": ("Acerca de", "About"),
    "figure": ("Cifra", "Figure"),
    "value": ("Valor", "Value"),
    "change": ("Cambio", "Change"),
    "previous": ("Antes", "Before"),
    "contents": ("Contenido", "Contents"),
    "table": ("Tabla", "Table"),
    "question": ("Pregunta", "Question"),
    "how_computed": ("Cómo se calcula", "How"),
    "first_day": ("Primer día", "First day"),
    "last_day": ("Último día", "Last day"),
    "rows": ("Filas", "Rows"),
    "parameters": ("Parámetros", "Parameters"),
    "computed": ("Calculado", "Computed"),
    "analysis": ("Análisis", "Analysis"),
    "how": ("Cómo se calcula: {how}.", "How: {how}."),
    "is_incomplete": ("incompleto", "incomplete"),
    "attached": ("Adjunto: {names}.", "Attached: {names}."),
    "linked": ("Para descargar:", "To download:"),
    "why": (
        "Recibes este mensaje porque tu dirección está suscrita a este informe. Quien administra el sistema puede quitarla.",
        "You get this message because your address is subscribed to this report. Whoever runs the system can remove it.",
    ),
}
