"""What the front door says: its frame, logging in, where one can go, and what went wrong."""

from __future__ import annotations

from collections.abc import Mapping

PRODUCT = "Telemetría"
SKIP = "Ir al contenido"
LIGHT_OR_DARK = "Claro u oscuro"

LOG_IN = "Entrar"
LOG_OUT = "Salir"
NAME = "Usuario"
PASSWORD = "Contraseña"
LOG_IN_LEAD = "Qué se ve, cuándo y dónde: las audiencias de su operación."
FORGOTTEN = "¿Olvidó su contraseña? Quien administra el sistema puede darle una nueva."
REJECTED = "El usuario o la contraseña no son correctos."
LINK_HINT = "En un sistema local entra sin contraseña quien abre el enlace que muestra «telemetry-pipeline up»."
LINK_REJECTED = "Ese enlace ya no vale: el sistema se inició de nuevo y mostró otro."
LINK_FROM_ELSEWHERE = "Ese enlace solo vale en la máquina donde corre el sistema."
THROTTLED = "Demasiados intentos. Vuelva a probar en {minutes}."
MINUTE, MINUTES = "un minuto", "{count} minutos"

OWNER = "dueño de este equipo"
ROLES: Mapping[str, str] = {"viewer": "consulta", "operator": "operación"}

PLACES = "Páginas"
BAR: Mapping[str, str] = {
    "/hoy": "Hoy",
    "/canales": "Canales",
    "/periodos": "Periodos",
    "/suscriptores": "Suscriptores",
    "/tareas": "Tareas",
    "/estado": "Estado",
    "/glosario": "Glosario",
}
"""What stands at the top of every page, by where it is."""

START = "Inicio"
WELCOME = "Hola, {name}"
WHERE_TO = "¿Adónde quiere ir?"
TASKS = "Tareas"
TASKS_LEAD = "Lo que espera, corre, falló o terminó."
STATE = "Estado"
STATE_LEAD = "Cómo está el sistema y qué hacer con lo que no anda bien."
DAGSTER = "Dagster"
DAGSTER_LEAD = "Las ejecuciones, paso a paso: qué corrió, qué falló y por qué."
FLOWER = "Flower"
FLOWER_LEAD = "Las colas y los procesos que ejecutan los pasos."
API = "API"
API_LEAD = "Cada análisis, para cualquier periodo, en JSON, CSV o Excel."

PROBLEMS: Mapping[int, tuple[str, str]] = {
    400: ("No se entiende lo que se pide", "La dirección o los datos enviados no son válidos."),
    401: ("Hay que entrar primero", "Su sesión terminó o todavía no ha entrado."),
    403: ("No tiene permiso para esto", "Su usuario no puede abrir esta página. Quien administra el sistema puede cambiarlo."),
    404: ("Aquí no hay nada", "La página que busca no existe, o ya no está aquí."),
    405: ("Así no se puede pedir", "Esta dirección no admite esa operación."),
    413: ("Es demasiado", "Lo que se envió es más de lo que se admite."),
    421: ("Este servidor no se llama así", "Abra la dirección que le dio quien administra el sistema."),
    429: ("Demasiados intentos", "Espere un momento antes de volver a probar."),
    500: (
        "Algo falló de nuestro lado",
        "El error quedó registrado. Vuelva a probar; si se repite, avise a quien administra el sistema.",
    ),
    503: ("Volvemos enseguida", "Una parte del sistema no responde en este momento."),
}
"""By HTTP status what the page of it says: a title and a sentence."""

DATABASE_AWAY = "La base de datos no responde en este momento."
LOADS_AGAIN = "Esta página se vuelve a cargar sola."
OTHER_PROBLEM = ("Algo no salió bien", "Vuelva a probar; si se repite, avise a quien administra el sistema.")
BACK_TO_START = "Volver al inicio"
TRY_AGAIN = "Volver a probar"
