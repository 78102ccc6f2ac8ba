"""What a message says around a problem, by names: ``Texts(ALERTS, language)``."""

from __future__ import annotations

from collections.abc import Mapping

ALERTS: Mapping[str, tuple[str, str]] = {
    "problem": ("PROBLEMA", "PROBLEM"),
    "reminder": ("SIGUE", "STILL"),
    "recovery": ("TERMINÓ", "OVER"),
    "over": ("Esto ya terminó.", "This is over."),
    "began": ("Empezó: {at}", "Began: {at}"),
    "ended": ("Terminó: {at}", "Ended: {at}"),
    "lasted": ("Duró: {span}", "Lasted: {span}"),
    "since": ("Desde: {at} ({span})", "Since: {at} ({span})"),
    "since_until": ("Desde: {at}; terminó: {over}", "Since: {at}, ended {over}"),
    "times": ("Visto: {n} veces; la última, {at}", "Reported: {n} times, last {at}"),
    "openings": ("En un día: empezó {n} veces", "Within a day: came up {n} times"),
    "run": ("Tarea: {run}", "Run: {run}"),
    "look": ("Ver: {address}", "Look: {address}"),
    "advice": ("Qué hacer: {advice}", "What to do: {advice}"),
    "technical": ("Detalle técnico: {detail}", "In detail: {detail}"),
    "while_it_lasts": (
        "Mientras dure se le recuerda cada hora, y se le avisa cuando termine.",
        "You are reminded every hour while this lasts, and told when it is over.",
    ),
    "when_it_comes_again": (
        "Si vuelve a pasar se le recuerda, a lo sumo una vez por hora, y se le avisa cuando termine.",
        "You are reminded every hour in which it happens again, and told when it is over.",
    ),
}
