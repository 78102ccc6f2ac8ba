"""An upstream inside the test's process: the real client over records in a dictionary, without a network."""

from __future__ import annotations

import json
import operator
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from telemetry_pipeline.errors import PanAccessUnavailable
from telemetry_pipeline.sources.panaccess.calls.client import PanAccessClient
from telemetry_pipeline.sources.panaccess.calls.session import Credentials

_OPERATORS = {"gt": operator.gt, "ge": operator.ge, "lt": operator.lt, "le": operator.le}


class Upstream(PanAccessClient):
    """Records that can be changed at any time, and bad habits that can be switched on.

    :ivar records: what is visible, by id.
    :ivar poisoned: ids that fail every page that would hold them: ``error``, ``refused`` or ``malformed``.
    :ivar down: whether every listing fails.
    :ivar count: what the answer's ``count`` means: ``total``, ``page``, or None for no such member.
    :ivar habit: called with the page's records, in order, and the limit; gives those that are sent.
    :ivar before: called before every listing that is answered, with its number from 1.
    :ivar listings: the parameters of every listing.
    """

    def __init__(self, records: Iterable[Mapping[str, Any]] = (), *, page_cap: int = 1000) -> None:
        super().__init__("http://upstream.invalid/", Credentials("user", "password", "token"), retry_seconds=0)
        self.records = {record["recordId"]: dict(record) for record in records}
        self.page_cap = page_cap
        self.poisoned: dict[int, str] = {}
        self.down = False
        self.count: str | None = "total"
        self.habit: Callable[[list[Any], int], list[Any]] = lambda rows, limit: rows
        self.sorts = True
        self.filters = True
        self.before: Callable[[int], object] = lambda number: None
        self.listings: list[Mapping[str, Any]] = []
        self._lock = threading.Lock()

    def add(self, records: Iterable[Mapping[str, Any]]) -> None:
        with self._lock:
            self.records.update({record["recordId"]: dict(record) for record in records})

    def _post(self, function: str, parameters: Mapping[str, Any]) -> bytes:
        if function == "login":
            return b'{"success": true, "answer": "a-session"}'
        with self._lock:
            self.listings.append(parameters)
            number = len(self.listings)
        self.before(number)
        if self.down:
            raise PanAccessUnavailable("PanAccess is down")
        with self._lock:
            matching = [record for record in self.records.values() if self._matches(record, parameters)]
        if self.sorts:
            descending = parameters["orderDir"] == "DESC"
            matching.sort(key=lambda record: record["recordId"], reverse=descending)
        limit = min(int(parameters["limit"]), self.page_cap)
        rows = matching[:limit]
        for record in rows:
            match self.poisoned.get(record["recordId"]):
                case "error":
                    raise PanAccessUnavailable("PanAccess answered with HTTP 500")
                case "refused":
                    return b'{"success": false, "errorCode": "fatal_error", "errorMessage": "No \\u0000 \\ud800 way."}'
                case "malformed":
                    return b'{"success": true, "answer": {"telemetryRecordEntries": [\x00\xff'
        rows = self.habit(rows, limit)
        counts = {"total": {"count": len(matching)}, "page": {"count": len(rows)}, None: {}}
        answer = {"telemetryRecordEntries": rows, **counts[self.count]}
        return json.dumps({"success": True, "answer": answer}).encode()

    def _matches(self, record: Mapping[str, Any], parameters: Mapping[str, Any]) -> bool:
        if not self.filters or "newFilters" not in parameters:
            return True
        [group] = parameters["newFilters"]["filters"]
        return all(
            _OPERATORS[rule["op"]](record[rule["field"]], type(record[rule["field"]])(rule["data"])) for rule in group["rules"]
        )
