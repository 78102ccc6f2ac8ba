from __future__ import annotations

import socket
import time

import pytest

from telemetry_pipeline.alerting import channels as module
from telemetry_pipeline.alerting.channels import Channels, Delivery


def test_a_mail_arrives_as_it_was_written(mailbox) -> None:
    (delivery,) = Channels(mailbox.url).send("[Telemetry Pipeline] PROBLEM: ü <b>", "First\n\nLook: http://127.0.0.1/runs/a1")
    assert delivery.error is None
    (mail,) = mailbox.mails
    assert mail["subject"] == "[Telemetry Pipeline] PROBLEM: ü <b>"
    assert (mail["from"], mail["to"]) == ("watch@example.com", "operator@example.com")
    assert mailbox.text(0).replace("\r\n", "\n").strip() == "First\n\nLook: http://127.0.0.1/runs/a1"


def test_a_broken_channel_does_not_stop_the_others(mailbox, closed_port: int) -> None:
    channels = Channels(f"json://127.0.0.1:{closed_port}/\n{mailbox.url}  nonsense")
    broken, good, unknown = channels.send("subject", "body")
    assert broken.error is not None
    assert good.error is None
    assert unknown == Delivery("?://...", "Apprise does not understand this address")
    assert mailbox.subjects == ["subject"]


def test_a_server_that_never_answers_takes_a_bounded_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_TIMEOUT_SECONDS", 0.3)
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        began = time.monotonic()
        (delivery,) = Channels(f"mailto://127.0.0.1:{server.getsockname()[1]}?from=a@b.co&to=a@b.co&mode=insecure&cto=1").send(
            "s", "b"
        )
        assert delivery.error is not None
        assert time.monotonic() - began < 1.5


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
    (delivery,) = channels.send("subject", "body")
    assert delivery.error is not None
    captured = capfd.readouterr()
    assert "geheimnis" not in f"{delivery}{captured.out}{captured.err}".replace("geheimnis://", "")


def test_two_channels_are_told_apart_even_if_only_their_secrets_differ() -> None:
    names = [channel.name for channel in Channels("json://u:one@127.0.0.1/ json://u:two@127.0.0.1/")]
    assert names == ["json://u:****@127.0.0.1", "json://u:****@127.0.0.1 #2"]


def test_without_addresses_there_are_no_channels() -> None:
    assert list(Channels(" \n ")) == []
