"""Whatever text an address stands in, it is shown without its secrets, and what is no secret stays."""

from __future__ import annotations

from urllib.parse import quote

import celery
import psycopg
import psycopg2
import pytest
import redis
import sqlalchemy as sa
from growth import LINEAR, growth
from hypothesis import given
from hypothesis import strategies as st

from telemetry_pipeline.settings.addresses import redacted, shown


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
    assert growth(lambda size: redacted(piece * (size // len(piece))), 200_000) < LINEAR


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
