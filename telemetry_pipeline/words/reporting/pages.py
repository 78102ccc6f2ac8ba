"""What the page *Informes* says, in Spanish and in English, by names: ``Texts(REPORTING, language)``."""

from __future__ import annotations

from collections.abc import Mapping

REPORTING: Mapping[str, tuple[str, str]] = {
    "reports": ("Informes", "Reports"),
    "reports_lead": (
        "Los informes hechos, quién los recibe por correo y cómo fue cada envío.",
        "Reports that were made, who gets them by mail, and how each delivery went.",
    ),
    "actions": ("Acciones", "Actions"),
    "times_in": ("Horas de {zone}.", "Times of {zone}."),
    "report": ("Informe", "Report"),
    "days": ("Días", "Days"),
    "channel": ("Canal", "Channel"),
    "formats": ("Formatos", "Formats"),
    "recipients": ("Destinatarios", "Recipients"),
    "back": ("Volver", "Back"),
    "refused": ("No se pudo", "It could not be done"),
    "refused_hint": ("Revise lo que pidió.", "Look again at what you asked for."),
    # The reports.
    "made": ("Hechos", "Made"),
    "made_at": ("Hecho", "Made"),
    "files": ("Archivos", "Files"),
    "file": ("{report}, {days}: {format}", "{report}, {days}: {format}"),
    "task": ("tarea", "task"),
    "incomplete": ("incompleto", "incomplete"),
    "no_reports": ("Todavía no hay informes.", "There are no reports yet."),
    "no_reports_hint": (
        "Se hacen solos cuando sus días están completos; quien opera el sistema puede hacer uno ahora.",
        "They are made by themselves once their days are complete; who operates the system can make one now.",
    ),
    "newest": ("Los más nuevos, {n} como mucho.", "The newest, {n} at most."),
    "gone": (
        "Ese informe no existe, o ya no se guarda. Quien opera el sistema puede hacerlo otra vez.",
        "There is no such report, or it is kept no longer. Who operates the system can make it again.",
    ),
    # Making one.
    "make": ("Hacer un informe ahora", "Make a report now"),
    "make_lead": (
        "De los días que quiera. Cuando la tarea termine, estará en la lista.",
        "Of any days. Once the task has ended, it is in the list.",
    ),
    "from_day": ("Desde", "From"),
    "to_day": ("Hasta", "To"),
    "days_allowed": (
        "Del {first} al {last}. Vacío: el último día, semana o mes que ya terminó.",
        "From {first} to {last}. Empty: the last day, week or month that is over.",
    ),
    "channel_hint": ("Solo para el informe de canal.", "For the channel report alone."),
    "send_to": ("Enviármelo a", "Send it to me at"),
    "send_to_hint": (
        "Una dirección de correo, para probar un envío. Vacío: no se envía a nadie.",
        "A mail address, to try a delivery. Empty: it is sent to nobody.",
    ),
    "make_it": ("Hacerlo", "Make it"),
    # Subscriptions.
    "subscriptions": ("Quién los recibe", "Who gets them"),
    "subscribe": ("Suscribir a alguien", "Subscribe somebody"),
    "subscribe_lead": (
        "Quien se suscribe recibe el informe por correo cada vez que toca, una sola vez.",
        "Who is subscribed gets the report by mail whenever it is due, once.",
    ),
    "recipients_hint": (
        "Direcciones de correo, una por línea. Los correos salen por el servidor de SMTP_URL; sin él, no sale ninguno.",
        "Mail addresses, one a line. Mail goes out by the server of SMTP_URL; without it, none does.",
    ),
    "subscribe_them": ("Suscribir", "Subscribe"),
    "since": ("Desde el {day}, por {who}", "Since {day}, by {who}"),
    "end": ("Terminar", "End"),
    "end_which": (
        "Terminar la suscripción {number}: {report}",
        "End subscription {number}: {report}",
    ),
    "nobody": ("Nadie está suscrito.", "Nobody is subscribed."),
    # Deliveries.
    "deliveries": ("Envíos", "Deliveries"),
    "no_deliveries": ("Todavía no se envió nada.", "Nothing was sent yet."),
    "delivery": ("A quién y qué", "To whom and what"),
    "state": ("Estado", "State"),
    "state_waiting": ("en espera", "waiting"),
    "state_leased": ("a punto de salir", "about to go out"),
    "state_sending": ("saliendo", "going out"),
    "state_sent": ("enviado", "sent"),
    "state_failed": ("no llegó", "failed"),
    "state_doubtful": ("dudoso: pudo llegar", "doubtful: it may have arrived"),
    "tries": ("Intentos", "Tries"),
    "next_try": ("el próximo, {moment}", "the next one, {moment}"),
    "answer": ("Respuesta", "Answer"),
    "when": ("Cuándo", "When"),
    "again": ("Enviar otra vez", "Send again"),
    "again_which": ("Enviar otra vez a {recipient}: {subject}", "Send again to {recipient}: {subject}"),
    "unsent": (
        "Hay correos que esperan desde el {moment} sin que nadie intente enviarlos. Vea si SMTP_URL nombra un servidor de "
        "correo y si corre el proceso que vigila («watch»), que los envía.",
        "Mail has been waiting since {moment} without anybody trying to send it. See whether SMTP_URL names a mail server, and "
        "whether the process that watches (“watch”) runs, which sends it.",
    ),
    # What cannot be asked for.
    "no_such_report": ("No hay un informe «{text}».", "There is no report “{text}”."),
    "no_such_channel": (
        "No hay un canal «{text}». Elija uno de la lista.",
        "There is no channel “{text}”. Choose one of the list.",
    ),
    "channel_missing": (
        "El informe de canal es de un canal: diga cuál.",
        "The channel report is about one channel: say which.",
    ),
    "channel_not_taken": (
        "Ese informe es de todos los canales: deje el canal vacío, o pida el informe de canal.",
        "That report is about all channels: leave the channel empty, or ask for the channel report.",
    ),
    "no_period_yet": (
        "Todavía no terminó ningún periodo desde el {first}, con el que empiezan los datos: diga los días.",
        "No period has ended yet since {first}, with which data begin: say the days.",
    ),
    "no_address": (
        "«{text}» no es una dirección de correo como ana@example.com.",
        "“{text}” is no mail address such as ana@example.com.",
    ),
    "no_format": ("Elija al menos un formato: {formats}.", "Choose one format at least: {formats}."),
    "how_many_recipients": (
        "Los destinatarios son {n}: tienen que ser de 1 a {most}.",
        "There are {n} recipients: there have to be 1 to {most}.",
    ),
    "subscribed_already": (
        "{address} ya recibe ese informe en los mismos formatos, por la suscripción {number}.",
        "{address} gets that report in the same formats already, by subscription {number}.",
    ),
    "no_such_subscription": ("Esa suscripción no existe, o ya terminó.", "There is no such subscription, or it has ended."),
    "no_such_delivery": (
        "Ese envío no existe, o no es de los que fallaron.",
        "There is no such delivery, or it is none that failed.",
    ),
    # What came of it.
    "done_subscribed": ("La suscripción está hecha.", "The subscription is made."),
    "done_ended": ("La suscripción terminó.", "The subscription has ended."),
    "done_again": ("Se enviará otra vez.", "It will be sent again."),
}
