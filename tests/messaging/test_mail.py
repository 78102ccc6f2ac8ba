"""Mails arrive as they were meant, through a real server, and no name, subject or file gets anything else into them."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult
from postbox import Mailbox
from pydantic import SecretStr

from telemetry_pipeline.errors import RequestRefused, SettingsError, TelemetryError
from telemetry_pipeline.messaging import mail
from telemetry_pipeline.messaging.letters import Writer
from telemetry_pipeline.messaging.mail import Answer, Line, MailServer, Outcome
from telemetry_pipeline.monitoring.doctor.servers import check_mail
from telemetry_pipeline.settings.loading import StackSettings
from telemetry_pipeline.settings.reports import MailSettings
from telemetry_pipeline.stack.processes.ports import free_port
from telemetry_pipeline.warehouse.outgoing.outbox import Part, Taken

SENDER, ANA, PASSWORD = "reports@example.com", "ana@example.com", "secreto+9/="
PICTURE = Part("picture", "picture", "image/png", inline=True)
PAGE = Part("page", "página ñ.html", "text/html; charset=utf-8")
FILES = {"picture": b"\x89PNG", "page": "<p>ñ</p>".encode(), "pdf": b"%PDF"}


def message(**changes: Any) -> Taken:
    fields = {"recipient": ANA, "subject": "Informe", "body": "Hola", **changes}
    return Taken(topic="report", about="daily", transport="mail", message_id=7, lease=uuid4(), tries=0, **fields)


def sent(box: Mailbox, taken: Taken) -> EmailMessage:
    """Return a message as it arrived."""
    server = MailServer("127.0.0.1", box.port, False, "", "", SENDER)
    with closing(Line(server)) as line:
        line.open()
        answer = line.send(Writer(SENDER, FILES.__getitem__).compose(taken), taken.recipient, lambda: True)
    assert answer == Answer(Outcome.SENT, "250 OK")
    return box.mails[-1]


@pytest.fixture
def box() -> Iterator[Mailbox]:
    with Mailbox() as box:
        yield box


def test_text_page_picture_and_files_arrive_as_they_are_in_any_language(box: Mailbox) -> None:
    body = ".\n..\n.uno\nFrom ñandú: 電視 " + "largo " * 400 + "\n"
    html = f"<p>{'ñ' * 2_000}</p><img src='cid:picture'>"
    subject = "Informe del 27: Señal «Añá» 電視台 " + "y más " * 15
    came = sent(box, message(subject=subject, body=body, html=html, parts=(PICTURE, PAGE)))
    assert came["Subject"] == subject.strip()
    text, page = came.get_body(("plain",)), came.get_body(("html",))
    assert text is not None
    assert page is not None
    assert text.get_content().splitlines() == body.splitlines()
    assert page.get_content().strip() == html
    (attached,) = came.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == ("página ñ.html", "text/html")
    assert attached.get_payload(decode=True) == FILES["page"]
    (picture,) = [part for part in came.walk() if part["Content-ID"] == "<picture>"]
    assert picture.get_payload(decode=True) == FILES["picture"]
    assert max(map(len, came.as_bytes().splitlines())) < 998
    assert (came["From"], came["To"], came["Auto-Submitted"]) == (SENDER, ANA, "auto-generated")
    assert came["Date"] is not None


def test_the_same_message_has_the_same_id_whenever_it_is_sent_and_another_one_has_another(box: Mailbox) -> None:
    first, again, other = (sent(box, message(subject=each))["Message-ID"] for each in ("a", "b", "c"))
    assert first == again == other
    assert sent(box, message(recipient="eva@example.com"))["Message-ID"] != first


INJECTIONS = [
    "a\r\nBcc: eva@example.com",
    "a\nBcc: eva@example.com\n\nbody",
    "a\rBcc: eva@example.com",
    "ñ\u2028Bcc: eva@example.com",
    "ñ\x85Bcc: eva@example.com\0",
    "=?utf-8?q?a=0D=0ABcc:_eva@example.com?=",
    "x" * 70 + " \r\n.\r\nMAIL FROM:<eva@example.com>",
]


@pytest.mark.parametrize("text", INJECTIONS)
def test_no_subject_or_name_of_a_file_gets_another_header_into_a_mail(box: Mailbox, text: str) -> None:
    clean = [part.keys() for part in sent(box, message(parts=(Part("pdf", "a.pdf", "application/pdf"),))).walk()]
    came = sent(box, message(subject=text, parts=(Part("pdf", f"{text}/../{text}.pdf", "application/pdf"),)))
    assert [part.keys() for part in came.walk()] == clean
    (attached,) = came.iter_attachments()
    assert not set("/\\\r\n\0") & set(attached.get_filename() or "")
    assert "\n" not in came["Subject"]


@pytest.mark.parametrize(
    "recipient", [*INJECTIONS, f"Ana <{ANA}>", f"{ANA},eva@example.com", "añá@example.com", "@example.com", ""]
)
def test_no_mail_is_written_to_what_is_no_address(recipient: str) -> None:
    with pytest.raises(RequestRefused, match="is no mail address"):
        Writer(SENDER, FILES.__getitem__).compose(message(recipient=recipient))


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Key and certificate of 127.0.0.1."""
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    make = "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=here -addext subjectAltName=IP:127.0.0.1"
    subprocess.run([*make.split(), "-keyout", f"{file}.key", "-out", str(file)], check=True, capture_output=True)
    file.write_text(file.read_text() + Path(f"{file}.key").read_text())
    return file


class _Takes:
    async def handle_DATA(self, *_: Any) -> str:  # noqa: N802 - aiosmtpd's name
        return "250 OK"


@contextmanager
def guarded(certificate: Path | None, url: str) -> Iterator[MailServer]:
    """A server that wants a password, encrypted if it has a certificate; and how we know it."""
    tls = None
    if certificate is not None:
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(certificate)

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=data.password == PASSWORD.encode(), handled=False)

    port = int(free_port())
    starts_with_tls = url.startswith("smtps")
    running = Controller(
        _Takes(),
        "127.0.0.1",
        port,
        tls_context=None if starts_with_tls else tls,
        ssl_context=tls if starts_with_tls else None,
        authenticator=check,
        auth_required=True,
        auth_require_tls=tls is not None and not starts_with_tls,
    )
    running.start()
    try:
        yield known(url.format(port=port))
    finally:
        running.stop()


NO_TLS = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


def known(url: str) -> MailServer:
    return MailServer.from_settings(MailSettings(smtp_url=SecretStr(url)))


URL = "smtp://reports%40example.com:secreto%2B9%2F%3D@127.0.0.1:{port}"


def delivered(server: MailServer) -> Answer:
    with closing(Line(server)) as line:
        line.open()
        return line.send(Writer(server.sender, FILES.__getitem__).compose(message()), ANA, lambda: True)


@NO_TLS
@pytest.mark.parametrize("url", [URL, URL.replace("smtp:", "smtps:")], ids=["STARTTLS", "smtps"])
def test_a_password_goes_encrypted_to_a_server_that_is_who_it_says(
    certificate: Path, monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    with guarded(certificate, url) as server:
        with pytest.raises(TelemetryError, match="certificate verify failed"):
            delivered(server)
        monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
        assert delivered(server).outcome is Outcome.SENT
    assert server.sender == SENDER


@NO_TLS
def test_a_password_goes_in_clear_to_this_machine_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    with guarded(None, URL) as server:
        assert delivered(server).outcome is Outcome.SENT
        monkeypatch.setattr(mail, "is_loopback", lambda url: False)
        with pytest.raises(TelemetryError, match="offers no encryption for the password"):
            delivered(server)


@NO_TLS
def test_what_a_server_says_of_a_wrong_password_does_not_show_it() -> None:
    with guarded(None, URL.replace("secreto", "geheim")) as server:
        with pytest.raises(TelemetryError, match="does not let us in: 535") as raised:
            delivered(server)
        assert "geheim" not in f"{raised.value}{server!r}"
        assert server.shown(f"535 {server.password} no") == "535 *** no"


def test_the_doctor_tries_the_mail_server_and_sends_nothing(box: Mailbox) -> None:
    url = SecretStr(f"smtp://127.0.0.1:{box.port}")
    assert check_mail(StackSettings.load(smtp_url=url, mail_from=SENDER)) == f"127.0.0.1:{box.port} takes mail from {SENDER}"
    with pytest.raises(SettingsError, match="MAIL_FROM"):
        check_mail(StackSettings.load(smtp_url=url))
    with pytest.raises(TelemetryError, match="cannot be reached"):
        check_mail(StackSettings.load(smtp_url=SecretStr(f"smtp://127.0.0.1:{free_port()}"), mail_from=SENDER))
    assert box.mails == []
