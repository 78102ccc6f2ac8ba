"""What is wrong, in words for people: by the subject of a problem, which its key says, what it is and what to do.

What a problem itself says besides, in English, is the technical detail of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from telemetry_pipeline.words.language import Language

Both = tuple[str, str]
"""A text in the order of the languages; ``{name}`` in it is what stands in the key behind its subject."""

_BY_ITSELF: Both = (
    "Quien lo supervisa lo vuelve a iniciar. Si no vuelve, lea su registro e inícielo a mano.",
    "Whoever supervises it starts it again. If it does not come back, read its log and start it by hand.",
)

COMPONENTS: Mapping[str, Both] = {
    "component:postgresql": ("PostgreSQL", "PostgreSQL"),
    "component:clock": ("El reloj", "The clock"),
    "component:broker": ("El repartidor de pasos (Redis)", "The broker (Redis)"),
    "component:webserver": ("La web de Dagster", "Dagster's web server"),
    "component:code": ("El servidor del código", "The code server"),
    "component:daemon": ("El servicio del horario", "Dagster's daemon"),
    "component:queues": ("El servicio de las colas", "The service of the queues"),
    "component:ticks": ("El ciclo de las lecturas", "The cycle of ticks"),
    "component:disks": ("El cuidado de los discos", "The care of disks"),
    "component:memory": ("El cuidado de la memoria", "The care of memory"),
    "component:worker:": ("El proceso {name}", "The worker {name}"),
}
"""What components are called, by the subjects of their problems."""

_RESTARTED: tuple[Both, Both] = (
    ("{component} terminó y se volvió a iniciar", "{component} had ended and was restarted"),
    (
        "Nada, si alguien lo reinició a propósito; si no, lea en su registro por qué terminó.",
        "Nothing if somebody restarted it on purpose; else read its log for why it ended.",
    ),
)

PROBLEMS: Mapping[str, tuple[Both, Both]] = {
    "report:": (
        ("Un informe no tenía completos sus días", "The days of a report were not complete"),
        (
            "Vea en Estado por qué faltan registros. Cuando los días estén completos, haga el informe de nuevo en Informes.",
            "See in Estado why records are missing. When the days are complete, make the report again in Informes.",
        ),
    ),
    "component:postgresql": (
        ("PostgreSQL no funciona", "PostgreSQL does not work"),
        (
            "Vea que PostgreSQL esté en marcha, admita cambios y tenga espacio en disco. Las tareas esperan y siguen solas.",
            "See that PostgreSQL runs, takes changes and has disk space. Tasks wait, and go on by themselves.",
        ),
    ),
    "component:clock": (
        ("Un reloj anda mal: el horario y los avisos dependen de él", "A clock is wrong: schedules and alerts go by it"),
        (
            "Ponga los relojes de todas las máquinas al cuidado de chrony o de otro servicio de hora. Si en unos minutos no "
            "siguen las lecturas, reinicie el servicio del horario (dagster-daemon).",
            "Have chrony or another time service keep the clocks of all machines. If syncs do not go on within minutes, "
            "restart Dagster's daemon.",
        ),
    ),
    "component:broker": (("El repartidor de pasos (Redis) no funciona", "The broker (Redis) does not work"), _BY_ITSELF),
    "component:webserver": (("La web de Dagster no funciona", "Dagster's web server does not work"), _BY_ITSELF),
    "component:code": (
        (
            "No se pueden lanzar tareas: falta el código",
            "Tasks cannot be launched: the pipeline's code is not there",
        ),
        _BY_ITSELF,
    ),
    "component:daemon": (("El servicio del horario no funciona", "Dagster's daemon does not work"), _BY_ITSELF),
    "component:queues": (
        ("Hay pasos que esperan y nadie los toma", "Steps wait and no worker takes them"),
        (
            "Inicie un proceso que atienda esas colas; en los registros de los procesos está por qué terminaron.",
            "Start a worker for these queues; the workers' logs say why they ended.",
        ),
    ),
    "component:ticks": (
        ("Las lecturas se detuvieron: no se guarda telemetría nueva", "Ticks have stopped: no new telemetry is stored"),
        (
            "Vea en Tareas si el horario está encendido, qué dicen las últimas lecturas y si alguna se quedó colgada. "
            "«telemetry-pipeline doctor» revisa todas las partes.",
            "See under Tasks whether the schedule is on, what the last ticks say, and whether one hangs. "
            "“telemetry-pipeline doctor” checks all parts.",
        ),
    ),
    "component:disks": (
        ("Un disco está lleno", "A disk is full"),
        (
            "Haga espacio, o ponga un disco más grande; lo que espera sigue solo.",
            "Make room there, or give it a larger disk; what waits goes on by itself.",
        ),
    ),
    "component:memory": (
        ("Queda poca memoria en la máquina", "The machine is short of memory"),
        (
            "Antes de que el sistema mate un proceso, dele más memoria, o baje WORKER_CHILD_MEMORY_MB y DUCKDB_MEMORY_MB y "
            "reinicie los procesos.",
            "Before the system kills a process, give it more memory, or lower WORKER_CHILD_MEMORY_MB and DUCKDB_MEMORY_MB "
            "and restart the workers.",
        ),
    ),
    "component:worker:": (("El proceso {name} ya no está", "The worker {name} is gone"), _BY_ITSELF),
    "watch": (
        ("El vigilante dio con un error que no conoce", "The watch met an error that it does not know"),
        (
            "Infórmelo, con el registro del vigilante. Sigue mirando y avisando hasta donde puede.",
            "Report it, with the log of the watch. It goes on looking and telling as far as it can.",
        ),
    ),
    "channel:": (
        ("Los avisos no llegan por {name}", "Alerts do not get through {name}"),
        (
            "Vea que la dirección en ALERT_URLS sea correcta y que su servidor responda. Cada mensaje se intenta por ahí.",
            "See that the address in ALERT_URLS is right and its server answers. Every message is tried on it.",
        ),
    ),
    "delivery": (
        ("Hay correos que no llegan", "Mail does not arrive"),
        (
            "Vea que SMTP_URL y las direcciones sean correctas («telemetry-pipeline doctor»). Lo que falló se envía otra vez "
            "con «telemetry-pipeline deliveries --again».",
            "See that SMTP_URL and the addresses are right (“telemetry-pipeline doctor”). What failed is sent again by "
            "“telemetry-pipeline deliveries --again”.",
        ),
    ),
    "run:": (
        ("Falló la tarea {name}", "The task {name} failed"),
        (
            "Abra la tarea: dice en qué paso y por qué. Las lecturas se repiten solas; las demás, desde su página.",
            "Open the task: it says at which step, and why. Ticks try again by themselves; others from their page.",
        ),
    ),
    "refused:": (
        ("Se rechaza una tarea que pide {name}", "A task that {name} asks for is refused"),
        (
            "Revise FIRST_PARTITION y los demás ajustes, y en Dagster, en Automation, qué pidió.",
            "Look at FIRST_PARTITION and the other settings, and in Dagster, under Automation, at what it asked for.",
        ),
    ),
    "check:": (
        ("No pasa una comprobación: {name}", "A check does not pass: {name}"),
        ("En Estado se dice qué comprueba y qué hacer.", "What it checks, and what to do, is said under State."),
    ),
    "child:": (
        ("Se interrumpió por la fuerza un paso en {name}", "A process of worker {name} was killed at its step"),
        (
            "El paso se intenta otra vez. Si se repite, vea si falta memoria (WORKER_CHILD_MEMORY_MB, el registro de la "
            "máquina).",
            "The step is tried again. If it goes on, see whether memory runs out (WORKER_CHILD_MEMORY_MB, the machine's log).",
        ),
    ),
    "slow-ticks": (
        (
            "Las lecturas tardan más que de una a la siguiente",
            "Ticks take longer than from one to the next",
        ),
        (
            "Si se lee lo atrasado de una pausa, termina solo. Si no, la máquina es pequeña para sus datos: espacie TICK_CRON, "
            "dele más procesadores, o ponga procesos en otra máquina.",
            "If what a pause left behind is read, this ends by itself. Else the machine is small for its data: have TICK_CRON "
            "less often, give it more processors, or add workers on another machine.",
        ),
    ),
    "foreign-messages": (
        ("En las colas hay mensajes que no son del sistema", "Messages in the queues are not of the pipeline"),
        (
            "Otro escribe en el repartidor, o un proceso es de otra versión: reinicie todos juntos. Si sigue, vea quién conoce "
            "REDIS_URL y cambie la contraseña.",
            "Somebody else writes to the broker, or a process is of another version: restart all of them together. If it goes "
            "on, see who knows REDIS_URL, and change the password.",
        ),
    ),
    "freshness": (
        (
            "PanAccess no entrega registros nuevos, aunque se le pregunta sin fallas",
            "No new record comes from PanAccess, although syncs succeed",
        ),
        (
            "Vea en PanAccess si todavía recibe telemetría.",
            "See in PanAccess whether it still receives telemetry.",
        ),
    ),
    "upstream:another": (
        (
            "PanAccess no es el de los registros guardados: no se guarda nada de él",
            "PanAccess is not the one of the stored records: nothing of it is stored",
        ),
        (
            "Vea que PANACCESS_URL y PANACCESS_USERNAME sean correctos. Si lo son, diga qué es con «telemetry-pipeline adopt».",
            "See that PANACCESS_URL and PANACCESS_USERNAME are right. If they are, say what it is: “telemetry-pipeline adopt”.",
        ),
    ),
    "upstream:anew": (
        (
            "PanAccess tiene otros registros con números que ya están guardados",
            "PanAccess has other records under ids that are stored",
        ),
        (
            "Lea otra vez los días desde el respaldo, y después «telemetry-pipeline adopt --same».",
            "Repair the days since the backup, then “telemetry-pipeline adopt --same”.",
        ),
    ),
    "upstream:below": (
        (
            "El registro más nuevo de PanAccess está por debajo de lo ya leído",
            "The newest record of PanAccess is below what has been read",
        ),
        (
            "Si PanAccess se restauró o empieza sus números de nuevo, ponga el cursor donde sigue: «telemetry-pipeline cursor "
            "--set». Si solo se borraron los más nuevos, termina solo.",
            "If PanAccess was restored or begins its ids anew, set the cursor to where it goes on: “telemetry-pipeline cursor "
            "--set”. If only its newest records were deleted, this ends by itself.",
        ),
    ),
    "upstream:jump": (
        (
            "Los números de PanAccess dan un salto; lo que hay detrás no se guarda",
            "Ids of PanAccess jump; what is behind the jump is not stored",
        ),
        (
            "Mire ese registro en PanAccess. Si los números siguen ahí, «telemetry-pipeline cursor --accept»; si es uno "
            "suelto, «telemetry-pipeline cursor --ignore».",
            "Look at that record in PanAccess. If ids go on there, “telemetry-pipeline cursor --accept”; if it is a stray one, "
            "“telemetry-pipeline cursor --ignore”.",
        ),
    ),
}
"""By the subject: the whole key, or what it begins with, up to a colon."""


@dataclass(frozen=True)
class Said:
    """What people are told of a problem. :ivar name: what its key names behind its subject."""

    title: str
    advice: str
    name: str


def find_problem(key: str, language: Language) -> Said | None:
    """Return what is said of a problem; None: its subject has no words."""
    if (subject := _subject_of(key)) is None:
        return None
    name, place = key.removeprefix(subject), list(Language).index(language)
    title, advice = PROBLEMS[subject]
    return Said(title[place].replace("{name}", name), advice[place], name)


def find_restart(key: str, language: Language) -> Said:
    """Return what is said of a component that was restarted.

    :raises KeyError: the key is of none.
    """
    place, (title, advice) = list(Language).index(language), _RESTARTED
    component = name_component(key, language)
    return Said(title[place].replace("{component}", component), advice[place], component)


def name_component(key: str, language: Language) -> str:
    """Return what a component is called.

    :raises KeyError: the key is of none.
    """
    subject = _subject_of(key) or key
    return COMPONENTS[subject][list(Language).index(language)].replace("{name}", key.removeprefix(subject))


def _subject_of(key: str) -> str | None:
    subjects = [each for each in PROBLEMS if key == each or (each.endswith(":") and key.startswith(each))]
    return max(subjects, key=len, default=None)
