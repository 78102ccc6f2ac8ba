"""A message reaches its service within a bounded time, and no secret of an address is shown."""

from __future__ import annotations

import functools
import re
import socket
import tracemalloc
import zlib

import pytest
from panaccess.test_bounds import liar
from postbox import Mailbox
from urllib3 import poolmanager

from telemetry_pipeline.messaging import channels as module
from telemetry_pipeline.messaging.channels import Channel, Channels, Delivery, bound_answers, split


def send(channels: Channels, subject: str, body: str) -> list[Delivery]:
    return [channel.send(subject, body) for channel in channels]


def test_a_mail_arrives_as_it_was_written(mailbox: Mailbox) -> None:
    (delivery,) = send(Channels(mailbox.url), "[Telemetry Pipeline] PROBLEM: ü <b>", "First\n\nLook: http://127.0.0.1/runs/a1")
    assert delivery.error is None
    (mail,) = mailbox.mails
    assert mail["subject"] == "[Telemetry Pipeline] PROBLEM: ü <b>"
    assert (mail["from"], mail["to"]) == ("watch@example.com", "operator@example.com")
    assert mailbox.text(0).replace("\r\n", "\n").strip() == "First\n\nLook: http://127.0.0.1/runs/a1"


def test_a_broken_channel_does_not_stop_the_others(mailbox: Mailbox, closed_port: int) -> None:
    channels = Channels(f"json://127.0.0.1:{closed_port}/\n{mailbox.url}  nonsense")
    broken, good, unknown = send(channels, "subject", "body")
    assert broken.error is not None
    assert good.error is None
    assert unknown == Delivery("?://...", "Apprise does not understand this address")
    assert mailbox.subjects == ["subject"]


def test_a_server_that_never_answers_takes_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_SECONDS", 0.3)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        # What an address itself allows does not count.
        address = f"mailto://127.0.0.1:{server.getsockname()[1]}?from=a@b.co&to=a@b.co&mode=insecure&cto=60&rto=60"
        (delivery,) = send(Channels(address), "s", "b")
    assert re.search(r"did not finish within 0\.\d+s", str(delivery.error))


def test_a_service_that_never_stops_answering_is_read_no_further(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(poolmanager, "pool_classes_by_scheme", dict(poolmanager.pool_classes_by_scheme))
    bound_answers()
    sent = 0

    def endless(caller: socket.socket) -> None:
        nonlocal sent
        caller.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            sent += caller.send(b" " * 1_000_000)

    with liar(endless) as url:
        (delivery,) = send(Channels(url.replace("http://", "json://")), "s", "b")
    assert delivery.error is not None
    assert sent < 50_000_000


@functools.cache
def packed_by(*encodings: str) -> bytes:
    """A hundred megabytes of nothing."""
    packed = bytes(100_000_000)
    for each in encodings:
        packed = zlib.compress(packed, level=1, wbits=31 if each == "gzip" else 15)
    return packed


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "GZIP", "gzip, gzip"])
def test_what_a_service_packs_although_nobody_asked_for_it_stays_packed(monkeypatch: pytest.MonkeyPatch, encoding: str) -> None:
    """A megabyte of gzip is a gigabyte."""
    monkeypatch.setattr(poolmanager, "pool_classes_by_scheme", dict(poolmanager.pool_classes_by_scheme))
    bound_answers()
    packed = packed_by(*encoding.lower().split(", "))

    def bomb(caller: socket.socket) -> None:
        head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\nContent-Length: {len(packed)}\r\n\r\n"
        caller.sendall(head.encode() + packed)

    tracemalloc.start()
    try:
        with liar(bomb) as url:
            (delivery,) = send(Channels(url.replace("http://", "json://")), "s", "b")
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert delivery.error is None
    assert peak < 20_000_000


@pytest.mark.parametrize(
    "url",
    [
        "mailto://hans:geheimnis@127.0.0.1:{port}?from=a@example.com&to=b@example.com&mode=insecure",
        "mailto://127.0.0.1:{port}?user=hans&pass=geheimnis&from=a@example.com&to=b@example.com&mode=insecure",
        "json://hans:geheimnis@127.0.0.1:{port}/hook",
        "json://127.0.0.1:{port}/services/geheimnis",
        "json://127.0.0.1:{port}/hook?+X-Token=geheimnis",
        "geheimnis://127.0.0.1/geheimnis",
        "geheimnis",
    ],
)
def test_no_secret_of_an_address_is_shown(url: str, closed_port: int, capfd: pytest.CaptureFixture[str]) -> None:
    channels = Channels(url.format(port=closed_port))
    (delivery,) = send(channels, "subject", "body")
    assert delivery.error is not None
    captured = capfd.readouterr()
    assert "geheimnis" not in f"{delivery}{captured.out}{captured.err}".replace("geheimnis://", "")


@pytest.mark.parametrize("password", ["one@two", "@", "a@b@c"])
def test_a_password_with_what_divides_it_from_the_host_is_a_password(password: str, closed_port: int) -> None:
    channel = Channel(f"json://user:{password}@127.0.0.1:{closed_port}/hook@here")
    assert channel.name.startswith("json://user:****@127.0.0.1")


def test_two_channels_are_told_apart_even_if_only_their_secrets_differ() -> None:
    names = [channel.name for channel in Channels("json://u:one@127.0.0.1/ json://u:two@127.0.0.1/")]
    assert names == ["json://u:****@127.0.0.1", "json://u:****@127.0.0.1 #2"]


def test_without_addresses_there_are_no_channels() -> None:
    assert list(Channels(" \n ")) == []


A, B = "json://127.0.0.1/a", "mailto://user:secret@example.com?to=one@example.com,two@example.com"


@pytest.mark.parametrize(
    "urls",
    [f"{A} {B}", f"{A},{B}", f"{A}, {B}", f"{A} , {B},", f"{A};{B}", f"{A}\r\n{B}\n", f"\t{A},\n{B}\n"],
    ids=["blank", "comma", "comma and blank", "blanks around", "semicolon", "lines", "indented"],
)
def test_addresses_are_divided_by_commas_and_blanks_and_keep_the_commas_within(urls: str) -> None:
    """The second one was taken for a part of the first, and was never told of anything."""
    assert split(urls) == [A, B]
    assert [channel.understood for channel in Channels(urls)] == [True, True]


def test_both_people_of_an_address_get_the_mail_whatever_is_between_them(mailbox: Mailbox) -> None:
    for between in (",", ", "):
        url = mailbox.url.replace("operator@example.com", f"operator@example.com{between}second@example.com")
        (delivery,) = send(Channels(url), "subject", "body")
        assert delivery.error is None
    assert sorted(str(mail["to"]) for mail in mailbox.mails) == 2 * ["operator@example.com"] + 2 * ["second@example.com"]


def test_what_is_no_address_is_no_part_of_one() -> None:
    assert split(f"{A} nonsense {B},json:/one-slash") == [A, "nonsense", f"{B},json:/one-slash"]


@pytest.mark.parametrize(
    ("url", "room"),
    [
        (f"pover://{'u' * 30}@{'a' * 30}", 1_024),
        (f"tgram://123456789:{'a' * 35}/12345", 4_096 - 9),
        ("twilio://AC" + "a" * 32 + ":" + "b" * 32 + "@15551234567/15557654321", 160 - 9),
        ("json://127.0.0.1/", 32_768),
        ("json://127.0.0.1/?overflow=split", None),
        ("nonsense", None),
    ],
    ids=["Pushover", "Telegram", "SMS", "a web hook", "to be split", "not understood"],
)
def test_a_channel_says_how_long_a_message_may_be(url: str, room: int | None) -> None:
    (channel,) = Channels(url)
    assert channel.room("subject") == room
