"""The words of audiences, each with its definition: what *Glosario* and docs/cifras.md say, in Spanish and in English."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from telemetry_pipeline.words.language import Language


@dataclass(frozen=True)
class Term:
    """A word and what it means.

    :ivar names: in the order of the languages; so are *texts*.
    """

    names: tuple[str, str]
    texts: tuple[str, str]

    def name(self, language: Language) -> str:
        """Return the word."""
        return self.names[list(Language).index(language)]

    def text(self, language: Language) -> str:
        """Return what it means."""
        return self.texts[list(Language).index(language)]


TERMS: Mapping[str, Term] = {
    "view": Term(
        ("Reproducciones", "Views"),
        (
            "Ver un canal una vez, de principio a fin. Se cuenta una vez, en el día y la hora en que terminó. Lo que todavía "
            "se está viendo aún no cuenta, y no hay duración mínima.",
            "Watching a channel once, from beginning to end. It is counted once, on the day and in the hour in which it ended. "
            "What is still playing does not count yet, and there is no least duration.",
        ),
    ),
    "watch_hours": Term(
        ("Horas vistas", "Hours watched"),
        (
            "La suma de las duraciones de las reproducciones.",
            "The sum of the durations of the views.",
        ),
    ),
    "subscriber": Term(
        ("Suscriptores activos", "Active subscribers"),
        (
            "Los que tienen al menos una reproducción. No se suman: quien ve lunes y martes es uno en cada día y uno en la "
            "semana.",
            "Those with at least one view. They do not add up: who watches on Monday and on Tuesday is one on each day, and "
            "one in the week.",
        ),
    ),
    "device": Term(
        ("Dispositivos", "Devices"),
        (
            "Un aparato en el que se ve; un suscriptor puede tener varios.",
            "What is watched on; a subscriber may have several.",
        ),
    ),
    "reach": Term(
        ("Alcance", "Reach"),
        (
            "Suscriptores distintos que vieron al menos 1 minuto en total. 45 segundos el lunes y 30 el martes lo alcanzan.",
            "Different subscribers who watched at least 1 minute in total. 45 seconds on Monday and 30 on Tuesday will do.",
        ),
    ),
    "average_audience": Term(
        ("Audiencia media", "Average audience"),
        (
            "Minutos vistos, sumados por suscriptor, entre los minutos que tuvo la hora. De 20 a 21 h uno ve 60 minutos y "
            "otros dos ven 30: 120 / 60 = 2 suscriptores en el minuto medio. Dos aparatos de un suscriptor en el mismo canal "
            "son uno.",
            "Minutes watched, added up by subscriber, by the minutes of the hour. From 20 to 21 one watches 60 minutes and two "
            "others 30 each: 120 / 60 = 2 subscribers in the average minute. Two devices of a subscriber on one channel are "
            "one.",
        ),
    ),
    "rating": Term(
        ("Rating", "Rating"),
        (
            "Audiencia media entre el universo: todos los suscriptores que vieron algo en los días que se miran, aunque haya "
            "terminado después. 2 de 400 es 0.5 %.",
            "Average audience by the universe: all subscribers who watched something on the days that are looked at, even if "
            "it ended later. 2 of 400 is 0.5 %.",
        ),
    ),
    "share": Term(
        ("Share", "Share"),
        (
            "La participación: horas vistas del canal entre las de todos los canales. No es el rating: uno divide entre lo "
            "visto, el otro entre los suscriptores.",
            "Hours watched of the channel by those of all channels. It is not the rating: one divides by what was watched, the "
            "other by subscribers.",
        ),
    ),
    "concurrency": Term(
        ("Concurrencia", "Concurrency"),
        (
            "Cuántas reproducciones, o suscriptores, hay a la vez: el máximo, y la media de todo el día u hora.",
            "How many views, or subscribers, there are at the same time: the most, and the mean of the whole day or hour.",
        ),
    ),
    "duration": Term(
        ("Duración media", "Mean duration"),
        ("Horas vistas entre reproducciones.", "Hours watched by views."),
    ),
    "flow": Term(
        ("Flujo", "Flow"),
        (
            "Reproducciones seguidas de un dispositivo en canales distintos, con a lo más 30 minutos entre una y otra.",
            "Views of a device that follow on each other on different channels, with at most 30 minutes between them.",
        ),
    ),
    "score": Term(
        ("Desempeño", "Performance"),
        (
            "Media de cuatro puntajes de 0 a 100 (reproducciones, suscriptores, horas, duración media), donde 100 es el mejor "
            "canal.",
            "Mean of four scores from 0 to 100 (views, subscribers, hours, mean duration), of which 100 is the best channel.",
        ),
    ),
    "cohort": Term(
        ("Cohorte", "Cohort"),
        (
            "Los que empezaron a ver en el mismo mes. Si de 200 que empezaron en septiembre 150 ven algo en octubre, la "
            "permanencia es 75 %. «Empezar» es la primera reproducción que hay en los datos.",
            "Those who began to watch in the same month. If of 200 who began in September 150 watch something in October, "
            "retention is 75 %. “Begin” is the first view that there is in the data.",
        ),
    ),
    "stickiness": Term(
        ("Fidelidad", "Stickiness"),
        (
            "Activos del día entre activos de 30 días. 300 de 1,000 es 30 %: cada quien ve unos 9 días de 30.",
            "Active on the day by active in 30 days. 300 of 1,000 is 30 %: each watches on some 9 days of 30.",
        ),
    ),
    "segment": Term(
        ("Segmento", "Segment"),
        (
            "Un grupo de suscriptores de hábitos parecidos, de los que menos ven a los que más.",
            "A group of subscribers of like habits, from those who watch least to those who watch most.",
        ),
    ),
    "churn": Term(
        ("Riesgo de abandono", "Churn risk"),
        (
            "14 días en dos mitades. De quien tuvo 10 reproducciones en la primera: 0 en la segunda es *alto*, de 1 a 5 "
            "*medio*, 6 o más *bajo*. Con menos de 3 en la primera es siempre bajo. Es una señal, no la probabilidad de que se "
            "vaya.",
            "14 days in two halves. Of who had 10 views in the first: 0 in the second is *high*, 1 to 5 *medium*, 6 or more "
            "*low*. With fewer than 3 in the first it is always low. It is a sign, not the probability of leaving.",
        ),
    ),
    "win_back": Term(
        ("Regreso", "Return"),
        (
            "La primera reproducción después de 14 días enteros o más sin ninguna. Quien vio algo el 1 y otra vez el 16 "
            "volvió. Quien no vio nada antes en 60 días cuenta como nuevo. Si de un día de la ausencia no se leyó todo, no "
            "se afirma.",
            "The first view after 14 whole days or more without one. Who watched on the 1st and again on the 16th came "
            "back. Who watched nothing before in 60 days counts as new. If a day of the absence was not read whole, it is "
            "not claimed.",
        ),
    ),
    "anomaly": Term(
        ("Anomalía", "Anomaly"),
        (
            "Un día a más de 3 desviaciones estándar de la media. Con media 1,000 y desviación 50: más de 1,150 o menos de "
            "850.",
            "A day more than 3 standard deviations from the mean. With mean 1,000 and deviation 50: above 1,150 or below 850.",
        ),
    ),
    "forecast": Term(
        ("Pronóstico", "Forecast"),
        (
            "La línea recta de los últimos 90 días, prolongada 7. La banda es ±1.96 desviaciones: si la línea dice 1,000 y los "
            "días se apartan 50, de 902 a 1,098. No sabe de partidos, feriados ni días de la semana.",
            "The straight line of the last 90 days, 7 days longer. The band is ±1.96 deviations: if the line says 1,000 and "
            "days differ by 50, from 902 to 1,098. It knows of no matches, holidays or weekdays.",
        ),
    ),
    "change": Term(
        ("Cambio", "Change"),
        (
            "Lo de estos días menos lo de los otros, en % de los otros. Si unos u otros no están completos, no se comparan, "
            "salvo que se pueda con la misma parte de cada día.",
            "What these days have less what the others have, in % of the others. If some of them are not complete they are not "
            "compared, unless the same part of each day can be.",
        ),
    ),
    "before": Term(
        ("Periodo anterior", "Days before"),
        (
            "Los mismos días que el periodo, justo antes, comparados uno a uno: el primero con el primero, y así.",
            "As many days as the period has, just before it, compared one by one: the first with the first, and so on.",
        ),
    ),
    "provisional": Term(
        ("Provisional", "Provisional"),
        (
            "De un día del que todavía no se leyó todo: se conoce hasta un momento que dicen los datos. Las sumas valen como "
            "están y pueden crecer.",
            "Of a day of which not all was read yet: it is known up to a moment that the data tell. Sums stand as they are and "
            "may grow.",
        ),
    ),
    "small_base": Term(
        ("Base chica", "Small base"),
        (
            "Una cifra de menos de 30 suscriptores distintos dice poco: dos hogares la cambian. Se muestra en gris, con °, y "
            "no se usa como titular.",
            "A figure of fewer than 30 different subscribers says little: two homes change it. It is shown in grey, with °, "
            "and is no headline.",
        ),
    ),
    "slot": Term(
        ("Franja", "Part of the day"),
        (
            "Madrugada (0 a 5:59), mañana (6 a 11:59), tarde (12 a 17:59) y noche (18 a 23:59), en la hora del operador.",
            "Small hours (0 to 5:59), morning (6 to 11:59), afternoon (12 to 17:59) and evening (18 to 23:59), by the "
            "operator's clock.",
        ),
    ),
}
"""By the name of the place in the glossary."""
