"""The simulator as a witness: what it has, what it is made to do wrong, and what becomes visible days late."""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from telemetry_pipeline.simulator.world.history import FIRST_ID

Record = dict[str, Any]

_PAGE = 1000
_FUNCTION = "getListOfTelemetryRecords"
_LATE_AT_ONCE = 20
_SECONDS = 60
# What is not done at once is not waited for: the strikes go on.
_SWITCH_SECONDS = 5


def log_in(url: str) -> str:
    """A session of the simulator's."""
    password = hashlib.md5(b"simulatorsimulator").hexdigest()
    form = {"username": "simulator", "password": password, "apiToken": "simulator"}
    return str(requests.post(f"{url}?f=login&requestMode=function", data=form, timeout=_SECONDS).json()["answer"])


class Upstream:
    """A simulator whose records go on by the clock, so that one that is killed and started again has the same ones."""

    def __init__(self, url: str, rng: random.Random) -> None:
        self.url = url
        self._rng = rng
        self._late: list[Record] = []

    def misbehave(self) -> None:
        """Some other faults than before: calls that fail, pages that break, sessions that end. Each comes a few times."""
        page = [self._rng.randint(1, 8) for _ in range(9)]
        faults: list[dict[str, Any]] = [
            {"kind": "error", "page": page[0]},
            {"kind": "error", "page": page[1:3], "status": 503},
            {"kind": "error", "times": 3, "functions": ["login"]},
            {"kind": "drop", "page": page[3]},
            {"kind": "drop", "page": page[4], "after_bytes": 20_000},
            {"kind": "malformed", "page": page[5]},
            {"kind": "timeout", "page": page[6], "seconds": 4},
            {"kind": "expired_session", "page": page[7]},
            {"kind": "duplicate", "rows": 5, "times": 5},
            {"kind": "reorder", "page": page[8]},
        ]
        self._set(self._rng.sample(faults, 3))

    def behave(self) -> None:
        """No faults, and all that there is."""
        self._set([])
        requests.delete(f"{self.url}silence", timeout=_SWITCH_SECONDS).raise_for_status()

    def fall_silent(self) -> None:
        """From now on nothing new comes, and nothing is wrong: a tick that has stored something is followed by ones without."""
        self._set([])
        requests.post(f"{self.url}silence", timeout=_SWITCH_SECONDS).raise_for_status()

    def add_late(self) -> None:
        """Starts and stops of the last day become visible, below every id that any tick reads again."""
        below = FIRST_ID - len(self._late) - _LATE_AT_ONCE
        for number in range(_LATE_AT_ONCE):
            at = datetime.now(UTC) - timedelta(hours=self._rng.uniform(6, 23))
            starts = number % 2 == 0
            record = {
                "recordId": below + number,
                "actionId": 7 if starts else 8,
                "timestamp": f"{at:%Y-%m-%d %H:%M:%S}",
                "dataId": self._rng.randint(1, 5),
                "dataName": f"Canal {self._rng.randint(1, 3)}" if starts else "",
                "dataDuration": None if starts else self._rng.randint(1, 7_200),
                "subscriberCode": f"LATE{self._rng.randint(1, 9)}",
                "deviceId": self._rng.randint(1, 9),
            }
            self._late.append(record)
        self._restore(self._late[-_LATE_AT_ONCE:])

    def complete(self) -> int:
        """Show all that there is by now, and return its highest id. What comes later has higher ones."""
        self._page(log_in(self.url), 0)  # what is live is made when it is asked for
        answer = requests.post(f"{self.url}reveal", timeout=_SECONDS).json()
        for first in range(0, len(self._late), _LATE_AT_ONCE):
            self._restore(self._late[first : first + _LATE_AT_ONCE])
        return int(answer["highest_id"])

    def records(self, up_to_id: int) -> Iterator[Record]:
        """Everything up to an id, by id; read in another way than the pipeline's. No fault may be on."""
        session, after_id = log_in(self.url), 0
        while page := self._page(session, after_id):
            for record in page:
                after_id = int(record["recordId"])
                if after_id > up_to_id:
                    return
                yield record

    def _page(self, session: str, after_id: int) -> list[Record]:
        rules = [{"field": "recordId", "op": "gt", "data": str(after_id)}]
        form = {
            "sessionId": session,
            "offset": 0,
            "limit": _PAGE,
            "orderBy": "recordId",
            "orderDir": "ASC",
            "newFilters": json.dumps({"groupOp": "AND", "filters": [{"groupOp": "AND", "rules": rules}]}),
        }
        answer = requests.post(f"{self.url}?f={_FUNCTION}&requestMode=function", data=form, timeout=_SECONDS).json()
        entries: list[Record] = answer["answer"]["telemetryRecordEntries"]
        return entries

    def _set(self, faults: list[dict[str, Any]]) -> None:
        requests.post(f"{self.url}faults", json=faults, timeout=_SWITCH_SECONDS).raise_for_status()

    def _restore(self, records: list[Record]) -> None:
        """One that was started again has forgotten what was added; one that was not, says that it is there already."""
        requests.post(f"{self.url}records", json=records, timeout=_SWITCH_SECONDS)
