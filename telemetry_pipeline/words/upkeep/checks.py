"""What the checks of the data are called, what each says, and what to do when it does not pass, by their names."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from telemetry_pipeline.words.language import Language

Both = tuple[str, str]
_CLOCKS: Both = (
    "Revise los relojes de los aparatos, y PANACCESS_TIMEZONE.",
    "Look at the clocks of devices, and at PANACCESS_TIMEZONE.",
)

CHECKS: Mapping[str, tuple[Both, Both, Both]] = {
    "record_ids_are_unique": (
        ("Ningún registro está dos veces", "No record is stored twice"),
        (
            "El número de un registro se guarda una sola vez: cada lectura mira entre los 50 000 más nuevos; una reparación, "
            "entre todos.",
            "A record id is stored once: in a tick among the newest 50,000, in a repair among all.",
        ),
        (
            "Lo que sigue se detiene. Avise a quien administra el sistema.",
            "What follows is stopped. Tell who runs the system.",
        ),
    ),
    "few_records_are_rejected": (
        ("Pocos registros rechazados", "Few records are rejected"),
        (
            "A lo sumo MAX_REJECTED_PCT % de los registros de las últimas 24 horas no se pudo guardar.",
            "At most MAX_REJECTED_PCT % of the records that came in the last 24 hours could not be stored.",
        ),
        (
            "Los motivos están en «Registros rechazados», en Estado. Si eran textos largos, suba MAX_TEXT_CHARACTERS y lea "
            "otra vez esos días.",
            "The reasons stand under “Rejected records”, in State. If texts were too long, raise MAX_TEXT_CHARACTERS and read "
            "these days again.",
        ),
    ),
    "few_records_are_of_the_future": (
        ("Pocos registros del futuro", "Few records are of the future"),
        (
            "A lo sumo el 1 % de los registros más nuevos dice ser de más de una hora después de ahora.",
            "At most 1 % of the newest records claim to be of more than an hour from now.",
        ),
        _CLOCKS,
    ),
    "views_are_stops": (
        ("No falta ni sobra ninguna reproducción", "No view is missing, and none is too many"),
        (
            "Hay tantas reproducciones como finales con canal en los días de la tarea.",
            "There are as many views of the task's days as merged stops with a channel id.",
        ),
        (
            "Lo que sigue se detiene, pues las cifras estarían mal. Lance telemetry_merge para ese día.",
            "What follows is stopped, for figures would be wrong. Launch telemetry_merge over that day.",
        ),
    ),
    "few_views_are_unnamed": (
        ("Pocas reproducciones sin nombre de canal", "Few views lack the name of their channel"),
        (
            "A lo sumo a MAX_UNNAMED_PCT % de las reproducciones de los días de la tarea les falta el nombre de su canal.",
            "At most MAX_UNNAMED_PCT % of the views of the task's days lack the name of their channel.",
        ),
        (
            "Los nombres que llegan tarde se ponen solos. Si no llegan, vea en PanAccess si los inicios traen el nombre.",
            "Names that come late are filled in by themselves. If none come, see in PanAccess whether starts carry them.",
        ),
    ),
    "few_views_are_of_the_future": (
        ("Pocas reproducciones del futuro", "Few views are of the future"),
        (
            "A lo sumo el 1 % de las reproducciones más nuevas terminó después de recibida. Esas no cuentan hasta que una "
            "lectura las ve a tiempo.",
            "At most 1 % of the newest views ended after they were received. Such views count nowhere until a sync sees them "
            "in time.",
        ),
        _CLOCKS,
    ),
    "few_views_are_repeated": (
        ("Pocas reproducciones repetidas", "Few views are repeated"),
        (
            "A lo sumo el 1 % de las reproducciones de los días unidos llegó ya con otro número.",
            "At most 1 % of the views of the days that were merged came before under another id.",
        ),
        (
            "Las repetidas cuentan una sola vez. Pregunte en PanAccess por qué llegan dos veces.",
            "What is repeated counts once. Ask in PanAccess why it comes twice.",
        ),
    ),
    "few_hours_are_of_long_views": (
        ("Pocas horas de reproducciones demasiado largas", "Few hours are of views that are too long"),
        (
            "A lo sumo MAX_LONG_VIEW_PCT % del tiempo visto en los días unidos, los de la tarea y el anterior, está más allá "
            "de LONG_VIEW_HOURS en una misma reproducción, o VIEW_CAP_HOURS lo recorta.",
            "At most MAX_LONG_VIEW_PCT % of the watch time of the days that were merged, the task's and the day before lies "
            "beyond LONG_VIEW_HOURS of a view, or VIEW_CAP_HOURS cuts it.",
        ),
        (
            "Suelen ser aparatos que nadie apagó. VIEW_CAP_HOURS recorta esas reproducciones.",
            "They tend to be devices that nobody switched off. VIEW_CAP_HOURS cuts such views.",
        ),
    ),
    "totals_agree": (
        ("Los totales coinciden", "Totals agree"),
        (
            "Todo es de los días del documento, y los análisis de los mismos días que cuentan todo dan lo mismo; un documento "
            "que se contradice no se guarda.",
            "All of it is of the document's own period, and analyses of the same days that count everything have as much; a "
            "document that contradicts itself is not stored.",
        ),
        (
            "Repita la tarea de ese día. Si vuelve a fallar, avise a quien administra el sistema.",
            "Repeat the task of that day. If it fails again, tell who runs the system.",
        ),
    ),
}
"""By the name of the check: its title, what it says, and what to do."""


@dataclass(frozen=True)
class Check:
    """What people are told of a check."""

    title: str
    means: str
    advice: str


def find_check(name: str, language: Language) -> Check | None:
    """Return what is said of a check; None: it has no words."""
    place = list(Language).index(language)
    return Check(*(texts[place] for texts in CHECKS[name])) if name in CHECKS else None
