"""Messages that are no steps of ours, as anybody can put them into a queue; each of these ended a worker or a look at it."""

from __future__ import annotations

import itertools
import json
from base64 import b64encode
from typing import Any

_tags = itertools.count(1)


def _message(body: Any = ((), {}, {}), headers: Any = None, **changes: Any) -> bytes:
    """As kombu writes it, of protocol 2 of Celery."""
    properties = {
        "delivery_tag": f"stranger-{next(_tags)}",
        "delivery_info": {"exchange": "", "routing_key": "ingest"},
        "body_encoding": "base64",
        "correlation_id": "1",
    }
    message = {
        "body": b64encode(json.dumps(body).encode()).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": "execute_plan", "id": "1"} if headers is None else headers,
        "properties": properties,
    }
    return json.dumps(message | changes).encode()


STRANGERS = {
    "text": b"hello",
    "no UTF-8": b"\xff\xfe\x00",
    "nothing": b"",
    "a number": b"17",
    "null": b"null",
    "a list": b"[1]",
    "an object": b"{}",
    "deep": b"[" * 100_000,
    "no properties": _message(properties={}),
    "a body that is no base64": _message(body="%%%"),
    "an unknown encoding": _message(properties={"delivery_tag": "stranger", "body_encoding": "rot13"}),
    "no headers": _message(headers=[]),
    "another's task": _message(headers={"task": "something.else", "id": "2"}),
    "another's task without an id": _message(headers={"task": "something.else"}),
    "a task that has no name": _message(headers={"task": ["execute_plan"], "id": "3"}),
    "protocol 1": _message(headers={}, body={"task": "something.else", "id": "4", "args": [], "kwargs": {}}),
    "our task without arguments": _message(),
    "our task with a number for its arguments": _message(body=5),
    "our task with another's arguments": _message(body=([], {"run_id": "1", "step": 5, "attempt": 0}, {})),
    "our task with a list for its step": _message(body=([], {"run_id": "1", "step": ["work"], "attempt": 0}, {})),
    "our task with more arguments": _message(
        body=([], {"run_id": "1", "step": "work", "attempt": 0, "executable_dict": {}}, {})
    ),
    "our task with the truth for a number": _message(body=([], {"run_id": "1", "step": "work", "attempt": True}, {})),
    "our task, pickled": _message(**{"content-type": "application/x-python-serialize", "content-encoding": "binary"}),
    "our task with odd limits": _message(headers={"task": "execute_plan", "id": "5", "timelimit": 5, "eta": "yesterday"}),
}
