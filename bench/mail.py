"""Mail: a report to 200 recipients, from the outbox to a mail server on this machine, files and picture included.

``seconds`` are those of the postman until every row says that it was sent, of which ``ratio_to_bytes`` is against sending the
same bytes over one connection to the same server without asking anybody anything.
"""

from __future__ import annotations

import argparse
import asyncio
import socket
import time
from multiprocessing import get_context
from multiprocessing.queues import Queue
from random import Random
from threading import Event

from bench.harness import database, result
from telemetry_pipeline.messaging.mail import MailServer
from telemetry_pipeline.messaging.postman import Postman
from telemetry_pipeline.warehouse.db.connections import connect
from telemetry_pipeline.warehouse.db.migrating import migrate
from telemetry_pipeline.warehouse.outgoing import outbox
from telemetry_pipeline.warehouse.outgoing.outbox import Message, Part

_FILES = {"picture.png": 190_000, "report.pdf": 180_000, "report.xlsx": 42_000}
"""Bytes of the daily report's, as a demo has them."""
_END = b"\r\n.\r\n"


class _Sink(asyncio.Protocol):
    """Takes every mail."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._tail, self._is_content = transport, b"", False
        transport.write(b"220 sink\r\n")

    def data_received(self, data: bytes) -> None:
        self._tail += data
        if self._is_content:
            if not self._tail.endswith(_END):
                self._tail = self._tail[-len(_END) :]
                return
            self._is_content, self._tail = False, b""
            self._transport.write(b"250 taken\r\n")
            return
        while b"\r\n" in self._tail and not self._is_content:
            line, _, self._tail = self._tail.partition(b"\r\n")
            self._is_content = line.upper() == b"DATA"
            self._transport.write(b"354 go on\r\n" if self._is_content else b"250 yes\r\n")


def serve(ports: Queue[int]) -> None:
    """Be the server until somebody ends this process."""

    async def listen() -> None:
        server = await asyncio.get_running_loop().create_server(_Sink, "127.0.0.1", 0)
        ports.put(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(listen())


def plain_seconds(port: int, size: int, mails: int) -> float:
    """Return how long it takes to have the server take so many contents."""
    with socket.create_connection(("127.0.0.1", port)) as connection, connection.makefile("rb") as answers:
        answers.readline()
        body = b"x" * 76 + b"\r\n"
        content = body * (size // len(body)) + _END[2:]
        begin = time.perf_counter()
        for _ in range(mails):
            connection.sendall(b"DATA\r\n")
            answers.readline()
            connection.sendall(content)
            answers.readline()
        return time.perf_counter() - begin


def main(recipients: int = 200) -> None:
    """Measure and print."""
    files = {name: Random(1).randbytes(size) for name, size in _FILES.items()}
    kinds = {"png": "image/png", "pdf": "application/pdf", "xlsx": "application/octet-stream"}
    parts = tuple(Part(name, name, kinds[name.partition(".")[2]], inline=name.endswith("png")) for name in files)
    context = get_context("spawn")
    ports: Queue[int] = context.Queue()
    server = context.Process(target=serve, args=(ports,), daemon=True)
    server.start()
    port = ports.get(timeout=30)
    with database() as url:
        engine = connect(url)
        migrate(engine)
        with engine.begin() as connection:
            outbox.put(
                connection,
                [
                    Message("report", "bench", "mail", f"to{n}@example.com", "Informe diario", "Horas", "<p>Horas</p>", parts)
                    for n in range(recipients)
                ],
            )
        at = MailServer("127.0.0.1", port, encrypted=False, user="", password="", sender="from@example.com")
        postman, stopped = Postman(engine, lambda: at, files.__getitem__, lambda _: None), Event()
        begin, processor = time.perf_counter(), time.process_time()
        while postman.round(stopped):
            pass
        seconds, processor = time.perf_counter() - begin, time.process_time() - processor
        with engine.connect() as connection:
            sent = outbox.count_by_state(connection, ["mail"])
    size = sum(_FILES.values()) * 4 // 3
    result(
        bench="mail",
        recipients=recipients,
        sent=sent.get("sent", 0),
        seconds=round(seconds, 1),
        processor_seconds=round(processor, 1),
        ratio_to_bytes=round(seconds / plain_seconds(port, size, recipients), 1),
    )
    server.terminate()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipients", type=int, default=200)
    main(parser.parse_args().recipients)
