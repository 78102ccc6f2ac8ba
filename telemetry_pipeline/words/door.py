"""What the front door says: its frame, logging in, where one can go, and what went wrong. ``Texts(DOOR, language)``."""

from __future__ import annotations

from collections.abc import Mapping

DOOR: Mapping[str, tuple[str, str]] = {
    "product": ("Telemetría", "Telemetry"),
    "skip": ("Ir al contenido", "Skip to content"),
    "light_or_dark": ("Claro u oscuro", "Light or dark"),
    # Logging in.
    "log_in": ("Entrar", "Log in"),
    "log_out": ("Salir", "Log out"),
    "name": ("Usuario", "User"),
    "password": ("Contraseña", "Password"),
    "log_in_lead": (
        "Qué se ve, cuándo y dónde: las audiencias de su operación.",
        "What is watched, when and where: the audiences of your operation.",
    ),
    "forgotten": (
        "¿Olvidó su contraseña? Quien administra el sistema puede darle una nueva.",
        "Forgot your password? Who runs the system can give you a new one.",
    ),
    "rejected": ("El usuario o la contraseña no son correctos.", "User or password is not right."),
    "link_hint": (
        "En un sistema local entra sin contraseña quien abre el enlace que muestra «telemetry-pipeline up».",
        "Into a local system comes without a password who opens the link that “telemetry-pipeline up” shows.",
    ),
    "link_rejected": (
        "Ese enlace ya no vale: el sistema se inició de nuevo y mostró otro.",
        "That link is no longer good: the system was started again, and showed another one.",
    ),
    "link_from_elsewhere": (
        "Ese enlace solo vale en la máquina donde corre el sistema.",
        "That link is good on the machine where the system runs, and nowhere else.",
    ),
    "throttled": ("Demasiados intentos. Vuelva a probar en {minutes}.", "Too many tries. Try again in {minutes}."),
    "minute": ("un minuto", "a minute"),
    "minutes": ("{count} minutos", "{count} minutes"),
    "owner": ("dueño de este equipo", "owner of this machine"),
    "role_viewer": ("consulta", "viewer"),
    "role_operator": ("operación", "operator"),
    # What stands at the top of every page.
    "places": ("Páginas", "Pages"),
    "to_today": ("Hoy", "Today"),
    "to_channels": ("Canales", "Channels"),
    "to_periods": ("Periodos", "Periods"),
    "to_subscribers": ("Suscriptores", "Subscribers"),
    "to_reports": ("Informes", "Reports"),
    "to_tasks": ("Tareas", "Tasks"),
    "to_state": ("Estado", "State"),
    "to_glossary": ("Glosario", "Glossary"),
    # Days that cannot be.
    "days_not_a_day": (
        "«{text}» no es un día. Los días se escriben como 2026-01-31.",
        "“{text}” is no day. Days are written as 2026-01-31.",
    ),
    "days_ends_before": (
        "El periodo termina ({last}) antes de empezar ({first}).",
        "The period ends ({last}) before it begins ({first}).",
    ),
    "days_not_allowed": (
        "El {day} no se puede pedir: se puede del {first} al {last}.",
        "{day} cannot be asked for: allowed is {first} to {last}.",
    ),
    # The start page.
    "start": ("Inicio", "Start"),
    "welcome": ("Hola, {name}", "Hello, {name}"),
    "where_to": ("¿Adónde quiere ir?", "Where do you want to go?"),
    "dagster": ("Dagster", "Dagster"),
    "dagster_lead": (
        "Las ejecuciones, paso a paso: qué corrió, qué falló y por qué.",
        "The runs, step by step: what ran, what failed, and why.",
    ),
    "flower": ("Flower", "Flower"),
    "flower_lead": (
        "Las colas y los procesos que ejecutan los pasos.",
        "The queues, and the workers that execute steps.",
    ),
    "api": ("API", "API"),
    "api_lead": (
        "Cada análisis, para cualquier periodo, en JSON, CSV o Excel.",
        "Each analysis over any period, as JSON, CSV or Excel.",
    ),
    # What went wrong, by HTTP status: a title and a sentence.
    "problem_400": ("No se entiende lo que se pide", "What is asked for is not understood"),
    "problem_400_lead": ("La dirección o los datos enviados no son válidos.", "The address, or what was sent, is not valid."),
    "problem_401": ("Hay que entrar primero", "Log in first"),
    "problem_401_lead": (
        "Su sesión terminó o todavía no ha entrado.",
        "Your session has ended, or you have not logged in yet.",
    ),
    "problem_403": ("No tiene permiso para esto", "You may not do this"),
    "problem_403_lead": (
        "Su usuario no puede abrir esta página. Quien administra el sistema puede cambiarlo.",
        "Your user may not open this page. Who runs the system can change that.",
    ),
    "problem_404": ("Aquí no hay nada", "There is nothing here"),
    "problem_404_lead": (
        "La página que busca no existe, o ya no está aquí.",
        "The page that you look for does not exist, or is not here any more.",
    ),
    "problem_405": ("Así no se puede pedir", "It cannot be asked for like this"),
    "problem_405_lead": ("Esta dirección no admite esa operación.", "This address does not take that operation."),
    "problem_413": ("Es demasiado", "That is too much"),
    "problem_413_lead": ("Lo que se envió es más de lo que se admite.", "What was sent is more than is taken."),
    "problem_421": ("Este servidor no se llama así", "This server has another name"),
    "problem_421_lead": (
        "Abra la dirección que le dio quien administra el sistema.",
        "Open the address that you have from whoever runs the system.",
    ),
    "problem_429": ("Demasiados intentos", "Too many tries"),
    "problem_429_lead": ("Espere un momento antes de volver a probar.", "Wait a moment before you try again."),
    "problem_500": ("Algo falló de nuestro lado", "Something failed on our side"),
    "problem_500_lead": (
        "El error quedó registrado. Vuelva a probar; si se repite, avise a quien administra el sistema.",
        "The error is on record. Try again; if it goes on, tell who runs the system.",
    ),
    "problem_503": ("Volvemos enseguida", "Back in a moment"),
    "problem_503_lead": (
        "Una parte del sistema no responde en este momento.",
        "A part of the system does not answer just now.",
    ),
    "problem": ("Algo no salió bien", "Something went wrong"),
    "problem_lead": (
        "Vuelva a probar; si se repite, avise a quien administra el sistema.",
        "Try again; if it goes on, tell who runs the system.",
    ),
    "database_away": ("La base de datos no responde en este momento.", "The database does not answer just now."),
    "archive_away": (
        "El lugar donde se guardan los informes no responde en este momento.",
        "Where reports are kept does not answer just now.",
    ),
    "archive_refuses": (
        "El lugar donde se guardan los informes no deja leerlos. Por qué, está en el registro de la puerta.",
        "Where reports are kept does not let them be read. The log of the door says why.",
    ),
    "loads_again": ("Esta página se vuelve a cargar sola.", "This page loads again by itself."),
    "back_to_start": ("Volver al inicio", "Back to the start"),
    "try_again": ("Volver a probar", "Try again"),
    "technical": ("Detalle técnico", "Technical detail"),
}
