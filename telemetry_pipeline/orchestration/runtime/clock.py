"""What Dagster's daemon is to do when its clock is set back.

It plans from the last tick, and from what its threads remember. With a last tick of the future no schedule and no sensor runs
for as long as the clock was ahead, and starting the daemon anew does not help. So it ends when its clock is set back, who
supervises it starts it again, and before it begins to work it forgets what of its plans is of the future.
"""

from __future__ import annotations

import logging
import os
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

from dagster._core.scheduler.instigation import InstigatorState
from dagster._core.storage.schedules.schema import JobTickTable
from dagster._core.storage.schedules.sql_schedule_storage import SqlScheduleStorage
from dagster._time import datetime_from_timestamp

from telemetry_pipeline.ages import SKEW
from telemetry_pipeline.polling import polling

_LOOK_SECONDS = 1.0
_SKEW_SECONDS = SKEW.total_seconds()

_beginning = threading.Lock()
_begun: set[int] = set()

_log = logging.getLogger(__name__)


def forget_the_future(storage: SqlScheduleStorage, now: float) -> int:
    """Take back the ticks of the future, and have schedules and sensors go on from now.

    Only for the daemon, which wrote them: by the clock of another machine that is behind, all is of the future.

    :param now: in seconds of the epoch.
    :return: how many ticks were taken back.
    """
    latest = datetime_from_timestamp(now + _SKEW_SECONDS)
    with storage.connect() as connection:
        ticks = connection.execute(JobTickTable.delete().where(JobTickTable.c.timestamp > latest)).rowcount
    for state in storage.all_instigator_state():
        if (corrected := _of_the_past(state, now)) != state:
            storage.update_instigator_state(corrected)
            _log.warning("%s goes on from now: its last tick was of the future", state.instigator_name)
    if ticks:
        _log.warning("%d ticks were of the future, and are taken back: a clock was set back", ticks)
    return ticks


def _of_the_past(state: InstigatorState, now: float) -> InstigatorState:
    data: Any = state.instigator_data
    if data is None:
        return state
    moments = {name: value for name, value in data._asdict().items() if name.endswith("_timestamp") and value is not None}
    ahead = {name: now for name, value in moments.items() if value > now + _SKEW_SECONDS}
    return state.with_data(data._replace(**ahead)) if ahead else state


def before_work(storage: SqlScheduleStorage) -> None:
    """Do what the daemon has to do first, once for each process."""
    with _beginning:
        if os.getpid() not in _begun:
            forget_the_future(storage, time.time())
            threading.Thread(target=_end_when_set_back, name="clock-watch", daemon=True).start()
            _begun.add(os.getpid())


def _end_when_set_back() -> None:
    is_set_back = SetBack(time.time, time.monotonic)
    next(_ for _ in polling(interval=_LOOK_SECONDS) if is_set_back())
    _log.error("the clock was set back: the daemon ends, to be started again, or it would wait for its old time to come")
    os.kill(os.getpid(), signal.SIGTERM)


class SetBack:
    """Whether the clock was set back by more than a minute since it was first asked.

    :param clock: seconds that may be set.
    :param steady: seconds that may not.
    """

    def __init__(self, clock: Callable[[], float], steady: Callable[[], float]) -> None:
        self._clock = clock
        self._steady = steady
        self._most = float("-inf")

    def __call__(self) -> bool:
        """Ask again and again."""
        ahead = self._clock() - self._steady()
        self._most = max(self._most, ahead)
        return self._most - ahead > _SKEW_SECONDS
