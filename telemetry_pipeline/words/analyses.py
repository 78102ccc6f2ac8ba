"""What each analysis is to its readers: the title of its picture, the question that it answers, how, and the days left out.

An analysis without a line here is shown by its name.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class About:
    """What people are told of an analysis.

    :ivar title: of its picture.
    :ivar question: that it answers.
    :ivar how: it is computed, with the default parameters.
    :ivar left_out: the days that take no part.
    """

    title: str
    question: str
    how: str
    left_out: str


_NONE = "ninguno"
_ANALYSES = {
    "active_subscribers": About(
        "Suscriptores activos por día",
        "¿Cuántos suscriptores ven cada día?",
        "suscriptores distintos con una reproducción que terminó ese día",
        _NONE,
    ),
    "anomalies": About(
        "Días fuera de lo común",
        "¿Qué días se vio mucho más o mucho menos?",
        "días a más de 3 desviaciones (de la población) de la media de reproducciones",
        "los no completos y los que no tienen reproducciones",
    ),
    "average_audience": About(
        "Audiencia media por canal y hora",
        "¿Cuántos suscriptores ven cada canal en el minuto medio de cada hora?",
        "minutos vistos por suscriptor en esa hora, entre los minutos que tuvo en todos los días",
        "ninguno; de hoy, solo lo que ya pasó",
    ),
    "average_duration": About(
        "Duración media por canal",
        "¿Cuánto dura una reproducción de cada canal?",
        "horas vistas entre reproducciones, por canal",
        _NONE,
    ),
    "channel_audience": About(
        "Audiencia de cada canal",
        "¿Qué tan grande es la audiencia de cada canal?",
        "suscriptores y dispositivos distintos, reproducciones y horas vistas",
        _NONE,
    ),
    "channel_curve": About(
        "Curva del día de un canal",
        "¿Cómo va la audiencia de un canal a lo largo del día?",
        "audiencia media del canal en cada cuarto de hora; de un día, si no se piden más",
        "ninguno; de hoy, solo lo que ya pasó",
    ),
    "channel_flow": About(
        "De qué canal a qué canal",
        "¿De qué canal a qué canal se cambia la gente?",
        "reproducciones seguidas de un dispositivo en canales distintos, con a lo más 30 minutos entre una y otra; % "
        "de las salidas del canal",
        _NONE,
    ),
    "channel_performance": About(
        "Desempeño de los canales",
        "¿Qué canales van mejor, visto todo?",
        "media de cuatro puntajes de 0 a 100 (reproducciones, suscriptores, horas, duración media), donde 100 es el "
        "mejor canal",
        _NONE,
    ),
    "churn_risk": About(
        "Suscriptores en riesgo de irse",
        "¿Qué suscriptores podrían irse?",
        "reproducciones de la segunda mitad de 14 días contra la primera; alto si 0, medio si la mitad o menos; los "
        "de riesgo bajo se cuentan, no se listan",
        "el primer día con datos y los que tienen hueco, con su pareja; hoy va contra la misma parte",
    ),
    "cohorts": About(
        "Permanencia por cohorte",
        "De los que empezaron el mismo mes, ¿cuántos siguen?",
        "suscriptores de la cohorte que ven algo en cada mes, entre todos los de la cohorte; toda la historia",
        "ninguno; el mes en curso aún no termina",
    ),
    "concurrency": About(
        "Concurrencia",
        "¿Cuánto se ve a la vez?",
        "máximo y media de reproducciones y de suscriptores simultáneos, por día y por hora",
        "ninguno; de hoy, solo lo que ya pasó",
    ),
    "correlation": About(
        "Relación entre hábitos de los suscriptores",
        "¿Qué hábitos van juntos?",
        "coeficiente de Pearson entre los suscriptores, de -1 a 1; fuerte si pasa de 0.7, moderada de 0.4; hacen "
        "falta 3 suscriptores y 10 reproducciones",
        _NONE,
    ),
    "day_over_day": About(
        "Reproducciones de un día a otro",
        "¿Cuánto más o menos se vio que el día anterior?",
        "reproducciones del día menos las del anterior; hoy, hasta la misma hora",
        "ninguno; el primer día con datos, los que tienen hueco y el siguiente a ellos no se comparan",
    ),
    "general_summary": About(
        "Resumen general",
        "¿Cuánto se vio, cuántos lo vieron, en cuántos canales?",
        "totales de reproducciones, suscriptores, dispositivos, canales y horas vistas",
        _NONE,
    ),
    "geography": About(
        "Reproducciones por país y proveedor",
        "¿De qué país y proveedor de internet son?",
        "reproducciones, dispositivos y suscriptores por país y proveedor de su dirección IP",
        _NONE,
    ),
    "peak_hours": About(
        "Horas de mayor audiencia de cada canal",
        "¿A qué horas se ve más cada canal?",
        "reproducciones que terminaron en cada hora, por canal",
        _NONE,
    ),
    "period_breakdown": About(
        "Desglose del periodo",
        "¿Cómo se reparte el periodo en días, semanas o meses?",
        "sumas por día, semana (de lunes a domingo) o mes, solo con los días del periodo",
        _NONE,
    ),
    "period_channels": About(
        "Canales del periodo",
        "¿De qué canales fue el periodo?",
        "los 20 con más reproducciones, con su % de todas las que tienen canal",
        _NONE,
    ),
    "period_comparison": About(
        "Comparación con el periodo anterior",
        "¿Fue más o menos que en el periodo anterior?",
        "reproducciones, suscriptores y horas contra los mismos días justo antes, día con día",
        "el primer día con datos y los que tienen hueco, con su pareja; hoy va contra la misma parte",
    ),
    "period_events": About(
        "Días pico y valle del periodo",
        "¿Qué días pasó algo?",
        "pico o valle: a más de 2 desviaciones (de la muestra) de la media de reproducciones",
        "los no completos y los que no tienen reproducciones; muestra todo día que tiene alguna",
    ),
    "period_subscribers": About(
        "Suscriptores del periodo",
        "¿Quiénes vieron más en el periodo?",
        "los 50 con más reproducciones, con sus horas, canales y días activos",
        _NONE,
    ),
    "period_summary": About(
        "Resumen del periodo",
        "¿En qué quedó el periodo?",
        "totales; duración media, máxima y mínima; reproducciones por día, entre los días que pasaron (hoy a las "
        "06:00 es 0.25)",
        _NONE,
    ),
    "period_trend": About(
        "Tendencia del periodo",
        "¿El consumo subió o bajó?",
        "línea recta por las reproducciones de cada día; pendiente entre desviación: fuerte si pasa de 10 %, moderada de 5 %",
        "los no completos; un día sin reproducciones es un 0",
    ),
    "rating": About(
        "Rating por canal y hora",
        "¿Qué parte de los suscriptores ve cada canal en el minuto medio de cada hora?",
        "audiencia media entre los suscriptores activos de los días",
        "ninguno; de hoy, solo lo que ya pasó",
    ),
    "reach": About(
        "Alcance",
        "¿A cuántos suscriptores llega de veras cada canal?",
        "suscriptores que le vieron al menos 1 minuto en total, entre todos los activos",
        _NONE,
    ),
    "share": About(
        "Participación en el tiempo visto",
        "¿Cómo se reparte el tiempo visto entre los canales?",
        "horas vistas del canal entre las de todos los canales",
        _NONE,
    ),
    "stickiness": About(
        "Fidelidad de la audiencia",
        "¿Qué tan seguido vuelven?",
        "activos del día entre activos de los 30 días que terminan en él; nuevos, que vuelven y dormidos (sin ver en "
        "30 días); mira 90 días, muestra 30",
        _NONE,
    ),
    "subscriber_overview": About(
        "Panorama de los suscriptores",
        "¿Cuántos ven, cuánto ve cada uno y qué tan parejo?",
        "totales, medias por suscriptor, % activo 2 días o más, y quintiles por horas vistas",
        _NONE,
    ),
    "subscriber_period": About(
        "El suscriptor en el periodo",
        "¿Qué hizo un suscriptor en el periodo?",
        "sus días, canales y franjas, contra la media de todos; días a más de 2 desviaciones; segunda mitad contra "
        "primera (±10 %)",
        "los no completos, en desviaciones y tendencia; en las sumas, ninguno",
    ),
    "subscriber_profile": About(
        "Perfil del suscriptor",
        "¿Qué ve este suscriptor, cuándo y en qué?",
        "totales, 10 canales, franjas, dispositivos y horas; reproducciones donde terminaron, tiempo donde se vio",
        _NONE,
    ),
    "subscriber_segments": About(
        "Segmentos de suscriptores",
        "¿Qué tipos de suscriptores hay?",
        "grupos de hábitos parecidos (k-means: reproducciones, horas, duración media, canales), de ocasionales a super activos",
        _NONE,
    ),
    "subscriber_views": About(
        "Lo que vio el suscriptor",
        "¿Qué vio un suscriptor, reproducción por reproducción?",
        "cada reproducción que terminó en el periodo, con su inicio, fin, canal y dispositivo; primero la última",
        _NONE,
    ),
    "time_slots": About(
        "Franjas del día",
        "¿En qué franja se ve más?",
        "reproducciones que terminaron en la franja, y horas que se vieron en ella; el % es de reproducciones",
        _NONE,
    ),
    "top_channels": About(
        "Canales con más reproducciones",
        "¿Qué canales tienen más reproducciones?",
        "los 20 primeros, con su % de todas las que tienen canal",
        _NONE,
    ),
    "top_subscribers": About(
        "Suscriptores más activos",
        "¿Quiénes ven más?",
        "los 10 primeros por horas, por reproducciones y por número de canales",
        _NONE,
    ),
    "viewing_by_period": About(
        "Consumo por periodo",
        "¿Cómo evoluciona el consumo?",
        "reproducciones, suscriptores y horas vistas por día, semana o mes",
        _NONE,
    ),
    "viewing_forecast": About(
        "Pronóstico de reproducciones",
        "¿Cuánto se verá si sigue la tendencia?",
        "línea recta por las reproducciones de 90 días, prolongada 7 desde el último día completo; media de 7 días; "
        "banda de 95 %",
        "los no completos; el pronóstico empieza con el de hoy",
    ),
    "win_back": About(
        "Suscriptores que volvieron",
        "¿Qué suscriptores volvieron después de una ausencia?",
        "los que vieron algo en los últimos 7 días, nada en al menos 14 días enteros antes, y algo antes de eso; mira 60 días",
        "una ausencia con un día no completo no se afirma: se cuenta, no se lista",
    ),
}


def about(name: str) -> About | None:
    """Return what there is to tell of an analysis, if it has a line."""
    return _ANALYSES.get(name)


def title(name: str) -> str:
    """Return the title of an analysis's picture; its name, where it has none."""
    known = about(name)
    return known.title if known else name.replace("_", " ").capitalize()
