"""What columns, metrics and values are called in pictures and reports, by the English names that results have."""

from __future__ import annotations

_WORDS = {
    # Columns and metrics.
    "absent_days": "días sin ver",
    "active_days": "días activos",
    "active_subscribers": "suscriptores",
    "activity_pct": "días con actividad",
    "average_audience": "suscriptores en el minuto medio",
    "average_hour": "hora media",
    "average_seconds": "seg. por reprod.",
    "channel": "canal",
    "channels": "canales",
    "country": "país",
    "date": "fecha",
    "days": "días",
    "days_in_period": "días del periodo",
    "device": "dispositivo",
    "device_id": "dispositivo",
    "duration_seconds": "segundos",
    "ended_at": "fin",
    "hour": "hora del día",
    "isp": "proveedor",
    "max_seconds": "seg., máximo",
    "min_seconds": "seg., mínimo",
    "minute": "minuto",
    "period_start": "inicio del periodo",
    "rating_pct": "% de suscriptores activos",
    "retention_pct": "activos 2 días o más",
    "returned_on": "volvió el",
    "share_pct": "% de las horas vistas",
    "slot": "franja",
    "started_at": "inicio",
    "streams": "reproducciones",
    "subscriber_code": "suscriptor",
    "subscribers": "suscriptores",
    "unique_channels": "canales",
    "unique_devices": "dispositivos",
    "unique_subscribers": "suscriptores",
    "views": "reproducciones",
    "views_before": "reproducciones antes",
    "views_per_active_day": "reprod. por día activo",
    "views_per_day": "reprod. por día",
    "watch_hours": "horas vistas",
    "watch_hours_per_active_day": "horas por día activo",
    # Values.
    "high": "alto",
    "medium": "medio",
}


def word(name: str) -> str:
    """Return what a column, metric or value is called; its name with blanks, where it has no word."""
    return _WORDS.get(name, name.replace("_", " "))
