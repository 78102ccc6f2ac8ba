"""What the page says that explains the API to whoever writes a program."""

from __future__ import annotations

TITLE = "La API"
LEAD = (
    "Cualquier análisis sobre cualesquiera días, para programas y para hojas de cálculo. Quien tiene la sesión abierta puede "
    "abrir estas direcciones aquí mismo; un programa manda un token: Authorization: Bearer TOKEN."
)
OPENAPI = "La descripción para programas (OpenAPI)"
ANALYSIS = "Análisis"
QUESTION = "Pregunta"
PARAMETERS = "Parámetros"
FILES = "Abrir con los días de ayer"
DAYS = "from y to: los días de los que habla la respuesta, ambos incluidos. format: json, csv, xlsx, svg o png."
REQUIRED = "obligatorio"
OF_SUBSCRIBERS = "de suscriptores"
