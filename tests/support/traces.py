"""Where a secret may leave a trace, and how it may be written there."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
import subprocess
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, quote_plus, urlsplit

import psutil
import redis

from telemetry_pipeline.stack.servers.postgres import LocalPostgres

_BASE64 = re.compile(r"[A-Za-z0-9+/]{40,}={0,2}")
_HEX = re.compile(r"\\x((?:[0-9a-f]{2}){8,})")
_TABLE = re.compile(r"^COPY (\S+)", re.MULTILINE)


def forms(secret: str) -> set[str]:
    """How a secret may be written: as it is, for a URL, in JSON, in HTML, in base64, and as a hash."""
    encoded = secret.encode()
    plain = {secret, quote(secret, safe=""), quote(secret), quote_plus(secret), html.escape(secret)}
    plain |= {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1], repr(secret)[1:-1]}
    return plain | {base64.b64encode(encoded).decode(), hashlib.md5(encoded, usedforsecurity=False).hexdigest()}


def leaks(secrets: Mapping[str, str], texts: Mapping[str, str]) -> list[str]:
    """Which secret is where, with what is around it.

    :param texts: what there is to read, by where it was found.
    """
    found = []
    for place, text in texts.items():
        seen = revealed(text)
        for kind, secret in secrets.items():
            for form in forms(secret):
                if (at := seen.find(form)) >= 0:
                    found.append(f"{kind} in {place}: ...{seen[max(0, at - 80) : at + len(form) + 20]!r}")
    return sorted(found)


def revealed(text: str) -> str:
    """The text, with what is in base64 or is PostgreSQL's hex in it."""
    hidden = [base64.b64decode(f"{each.group().rstrip('=')}==") for each in _BASE64.finditer(text) if _is_whole(each.group())]
    hidden += [bytes.fromhex(each.group(1)) for each in _HEX.finditer(text)]
    return "\n".join([text, *(data.decode("utf-8", "replace") for data in hidden)])


def _is_whole(encoded: str) -> bool:
    return len(encoded.rstrip("=")) % 4 != 1


@contextmanager
def watched(redis_url: str) -> Iterator[dict[str, str]]:
    """Every command line of this machine, and every command that the broker was given, while entered.

    Without the commands about PanAccess's session, which is shared there.
    """
    found: dict[str, str] = {}
    over = threading.Event()

    def arguments() -> None:
        while not over.wait(0.5):
            for process in psutil.process_iter(["pid", "name", "cmdline"]):
                found[f"arguments of {process.info['pid']} {process.info['name']}"] = " ".join(process.info["cmdline"] or [])

    def commands() -> None:
        try:
            with redis.Redis.from_url(redis_url, encoding_errors="replace", decode_responses=True).monitor() as monitor:
                for number, each in enumerate(monitor.listen()):
                    if ":session" not in each["command"]:
                        found[f"command {number} of the broker"] = each["command"]
        except (redis.RedisError, ValueError, OSError):
            return  # the stack has ended

    threads = [threading.Thread(target=each, daemon=True) for each in (arguments, commands)]
    for thread in threads:
        thread.start()
    try:
        yield found
    finally:
        over.set()
        threads[0].join()


def files(folder: Path, without: set[str]) -> dict[str, str]:
    """Everything that is in a folder, but the files of those names."""
    found = (path for path in folder.rglob("*") if path.is_file() and path.name not in without)
    return {str(path): path.read_bytes().decode("utf-8", "replace") for path in found}


def dump(url: str) -> dict[str, str]:
    """What ``pg_dump`` writes of a database: the schema, and each table."""
    program = Path(LocalPostgres(Path("/nowhere")).command()[0]).with_name("pg_dump")
    done = subprocess.run([program, "--dbname", url], check=True, capture_output=True, text=True, errors="replace")
    schema, *tables = _TABLE.split(done.stdout)
    return {f"schema of {urlsplit(url).path}": schema} | {
        f"table {name}": rows for name, rows in zip(tables[::2], tables[1::2], strict=True)
    }
