"""TCP ports of the loopback: kept from their choice to the end of the stack, and whose process listens on them."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress

import psutil

from telemetry_pipeline.errors import StackError

LOOPBACK = "127.0.0.1"


class Port(int):
    """A port that nobody else is given as long as this object lives.

    The kernel hands out no port that a socket is bound to. On Linux a server can listen all the same on a port that its holder
    is only bound to, and still has it after a restart; elsewhere the holder gives way when the server is launched.
    To ``socket.create_connection`` give ``int(port)``: resolving an address takes no other kind of number.
    """

    # Descriptors of sockets; as objects they could be finalized before this one, with a warning.
    _holders: tuple[int, ...] = ()

    @classmethod
    def take(cls, number: int = 0) -> Port:
        """Keep that port, by default any free one.

        :raises OSError: somebody listens there, or another stack keeps it.
        """
        bound = socket.socket()
        claim = socket.socket(socket.AF_UNIX)
        try:
            # With it, connections that have just ended are no obstacle, and the server's own socket finds none in this one.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            bound.bind((LOOPBACK, number))
            taken = cls(bound.getsockname()[1])
            if sys.platform == "linux":
                # Two holders could be bound at the same time; of a name there is one, of which nothing is left afterwards.
                claim.bind(f"\0telemetry-pipeline:{taken}")
        except OSError:
            bound.close()
            claim.close()
            raise
        taken._holders = (bound.detach(), claim.detach())
        return taken

    def give_way(self) -> None:
        """Let the server bind."""
        if sys.platform != "linux":
            self._release()

    def __del__(self) -> None:
        self._release()

    def _release(self) -> None:
        holders, self._holders = self._holders, ()
        for holder in holders:
            os.close(holder)


def free_port() -> Port:
    """Return a port that nobody listens on."""
    return Port.take()


def listens(pid: int | None, port: int) -> bool:
    """Return whether it is that process that listens on the port, and not another program."""
    if pid is None:
        return False
    with suppress(psutil.Error):
        connections = psutil.Process(pid).net_connections("tcp")
        return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections)
    return False


def choose_port(wanted: int | None, usual: int, say: Callable[[str], None]) -> Port:
    """Return the port for the web UI: the one that is wanted, else the usual one, else any.

    :param say: is told if it is another than the usual one.
    :raises StackError: the one that is wanted is taken.
    """
    try:
        return Port.take(wanted or usual)
    except OSError as err:
        if wanted is not None:
            raise StackError(f"port {wanted} cannot be used for the web UI ({err.strerror}): choose another") from err
    port = free_port()
    say(f"port {usual} is taken, the web UI gets port {port}")
    return port
