"""The mail that brings a report: short, right, and one line of subject whatever the channel is called."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import jinja2
import pytest
from report_contents import content

from telemetry_pipeline.reports.forms import templating
from telemetry_pipeline.reports.forms.letter import Letter, write_letter
from telemetry_pipeline.words.language import Language

LINK = "https://door.example/informes/1?a=1&b=2"


def letter(name: str = "daily_report", language: Language = Language.ES, *, hostile: bool = False) -> Letter:
    report = content(name, language, hostile=hostile)
    return write_letter(report, attached=["informe.pdf"], links={"informe.xlsx": LINK})


def test_it_says_two_figures_with_their_change_what_is_attached_and_where_the_rest_is() -> None:
    report, written = content("daily_report"), letter()
    for each in report.figures[:2]:
        assert f"{each.name}: {each.value} ({each.change}; antes: {each.previous})" in written.text
        assert each.value in written.html
        assert each.change in written.html
    assert report.figures[2].name not in written.text
    assert "Adjunto: informe.pdf." in written.text
    assert "Adjunto: informe.pdf." in written.html
    assert f"informe.xlsx: {LINK}" in written.text
    assert f'href="{LINK.replace("&", "&amp;")}"' in written.html
    assert "suscrita a este informe" in written.text
    assert "suscrita a este informe" in written.html


def test_the_picture_is_a_png_that_the_html_refers_to() -> None:
    written = letter()
    picture = written.picture
    assert picture is not None
    assert picture.startswith(b"\x89PNG")
    assert 10_000 < len(picture) < 500_000
    assert written.html.count('src="cid:picture"') == 1


def test_without_a_picture_none_is_referred_to() -> None:
    report = content("daily_report")
    bare = replace(report, sections=tuple(replace(each, picture=None) for each in report.sections))
    written = write_letter(bare, attached=[], links={})
    assert written.picture is None
    assert "cid:" not in written.html
    assert "Adjunto" not in written.text
    assert "Para descargar" not in written.text


def test_the_subject_says_report_days_channel_and_what_is_incomplete() -> None:
    assert letter("channel_report").subject == f"Informe de canal: {content('channel_report').days} · Uno"
    unfinished = replace(content("daily_report"), complete=False, notices=("Incompleto.",))
    written = write_letter(unfinished, attached=[], links={})
    assert written.subject.endswith("(incompleto)")
    assert "Incompleto." in written.text
    assert "Incompleto." in written.html


def test_it_is_in_english_where_the_report_is() -> None:
    written = letter(language=Language.EN)
    assert written.subject.startswith("Daily report: ")
    assert "subscribed to this report" in written.text
    assert "Attached: informe.pdf." in written.html


def test_no_name_makes_a_header_a_tag_or_a_second_line() -> None:
    written = letter("channel_report", hostile=True)
    assert written.subject.isprintable()
    assert len(written.subject) <= 150
    message = EmailMessage()
    message["Subject"] = written.subject
    message.set_content(written.text)
    message.add_alternative(written.html, subtype="html")
    read = message_from_bytes(message.as_bytes(), policy=policy.default)
    assert "Bcc" not in read
    assert read["Subject"] == written.subject
    assert not any(line.startswith("Bcc:") for line in written.text.splitlines())
    assert "<script" not in written.html
    assert "onerror=alert(1)>" not in written.html


def test_a_template_that_names_what_is_not_there_leaves_no_letter(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = templating._environment().overlay(
        loader=jinja2.DictLoader(dict.fromkeys(["letter.txt", "letter.html"], "{{ lost }}"))
    )
    monkeypatch.setattr(templating, "_environment", lambda: broken)
    with pytest.raises(jinja2.UndefinedError):
        letter()
