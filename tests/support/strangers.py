"""Messages that are no steps of ours, as anybody can put them into a queue; each of these ended a worker or a look at it."""

from __future__ import annotations

import itertools
import json
import random
from base64 import b64encode
from typing import Any

_tags = itertools.count(1)


def message(body: Any = ((), {}, {}), headers: Any = None, **changes: Any) -> bytes:
    """As kombu writes it, of protocol 2 of Celery."""
    properties = {
        "delivery_tag": f"stranger-{next(_tags)}",
        "delivery_info": {"exchange": "", "routing_key": "ingest"},
        "body_encoding": "base64",
        "correlation_id": "1",
    }
    plain = {
        "body": b64encode(json.dumps(body).encode()).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": "execute_plan", "id": "1"} if headers is None else headers,
        "properties": properties,
    }
    return json.dumps(plain | changes).encode()


def _step(**arguments: Any) -> bytes:
    return message(body=([], {"run_id": "1", "step": "work", "attempt": 0} | arguments, {}))


STRANGERS = {
    "text": b"hello",
    "no UTF-8": b"\xff\xfe\x00",
    "nothing": b"",
    "a number": b"17",
    "null": b"null",
    "a list": b"[1]",
    "an object": b"{}",
    "deep": b"[" * 100_000,
    "no properties": message(properties={}),
    "a body that is no base64": message(body="%%%"),
    "an unknown encoding": message(properties={"delivery_tag": "stranger", "body_encoding": "rot13"}),
    "no headers": message(headers=[]),
    "another's task": message(headers={"task": "something.else", "id": "2"}),
    "another's task without an id": message(headers={"task": "something.else"}),
    "a task that has no name": message(headers={"task": ["execute_plan"], "id": "3"}),
    "protocol 1": message(headers={}, body={"task": "something.else", "id": "4", "args": [], "kwargs": {}}),
    "our task without arguments": message(),
    "our task with a number for its arguments": message(body=5),
    "our task with another's arguments": message(body=([], {"run_id": "1", "step": 5, "attempt": 0}, {})),
    "our task with a list for its step": message(body=([], {"run_id": "1", "step": ["work"], "attempt": 0}, {})),
    "our task with more arguments": message(
        body=([], {"run_id": "1", "step": "work", "attempt": 0, "executable_dict": {}}, {})
    ),
    "our task with the truth for a number": message(body=([], {"run_id": "1", "step": "work", "attempt": True}, {})),
    "our task at an attempt before the first": _step(attempt=-1),
    "our task at an attempt that nobody gets to": _step(attempt=10**9),
    "our task at an attempt of four thousand digits": _step(attempt=10**4000),
    "our task at half an attempt": _step(attempt=0.5),
    "our task of a run that no database can store": _step(run_id="1\0"),
    "our task of a run that is half a character": _step(run_id="\ud800"),
    "our task of a run without a name": _step(run_id=""),
    "our task with a step of a megabyte": _step(step="w" * 1_000_000),
    "our task with a step of two lines": _step(step="work\n2026-01-01 ERROR all is lost"),
    "five megabytes": b'"' + b"x" * 5_000_000 + b'"',
    "our task, deep": message(body=([], json.loads("[" * 500 + "]" * 500), {})),
    **{f"random bytes, {seed}": random.Random(seed).randbytes(200) for seed in range(5)},
    "our task, pickled": message(**{"content-type": "application/x-python-serialize", "content-encoding": "binary"}),
    "our task with odd limits": message(headers={"task": "execute_plan", "id": "5", "timelimit": 5, "eta": "yesterday"}),
}
