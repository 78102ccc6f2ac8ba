"""What an address asks for: days, parameters and forms, or what is allowed instead."""

from __future__ import annotations

from datetime import date

import pytest

from telemetry_pipeline.analyses.registry import find_analysis
from telemetry_pipeline.days import AllowedDays, Period
from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.web.api import asking
from telemetry_pipeline.web.computing.question import Look, Question

ALLOWED = AllowedDays(date(2025, 1, 1), date(2026, 2, 1), "America/Mexico_City")
DAY = date(2026, 1, 31)


def ask(name: str, **given: str) -> Question:
    items = [(key.removesuffix("_"), value) for key, value in given.items()]
    return asking.question(find_analysis(name), items, ALLOWED, personal=False)


def test_what_looks_back_looks_back_to_the_first_of_the_days() -> None:
    question = ask("top_channels", from_="2026-01-25", to="2026-01-31", limit="5")
    assert (question.days, question.parameters) == (Period(DAY, DAY), {"limit": 5, "window_days": 7})


def test_what_looks_back_from_a_day_alone_does_so_as_far_as_it_does_by_itself_or_is_told() -> None:
    assert ask("top_channels", to="2026-01-31").parameters == {}
    assert ask("top_channels", to="2026-01-31", window_days="null").parameters == {"window_days": None}


def test_what_is_of_a_period_is_of_exactly_the_days() -> None:
    assert ask("period_summary", from_="2026-01-25", to="2026-01-31").days == Period(date(2026, 1, 25), DAY)
    assert ask("period_summary", to="2026-01-31").days == Period(DAY, DAY)


def test_forms_and_looks_are_no_parameters_of_the_analysis() -> None:
    question = ask("share", to="2026-01-31", format="svg", theme="page", width="360")
    assert (question.form, question.look, question.parameters) == ("svg", Look(theme="page", width=360), {})
    assert ask("share", to="2026-01-31", format="csv", excel="1").look == Look(excel=True)


@pytest.mark.parametrize(
    ("given", "problem", "advice"),
    [
        ({}, "no days are named", "give from and to"),
        ({"to": "31.1.2026"}, "'31.1.2026' is not a day such as 2026-01-31", "allowed are 2025-01-01"),
        ({"from_": "2026-02-01", "to": "2026-01-31"}, "a period cannot begin on 2026-02-01", "allowed are"),
        ({"to": "2031-01-01"}, "there is no partition 2031-01-01", "to 2026-02-01"),
        ({"to": "2026-01-31", "limits": "5"}, "top_channels has no parameter 'limits'", "did you mean limit?"),
        ({"to": "2026-01-31", "limit": "many"}, "limit: Input should be a valid integer", ""),
        ({"to": "2026-01-31", "limit": "0"}, "limit: Input should be greater than", ""),
        ({"to": "2026-01-31", "format": "jsn"}, "there is no format 'jsn'", "did you mean json?"),
        ({"to": "2026-01-31", "theme": "blue"}, "there is no theme 'blue'", "there are light, dark, page"),
        ({"to": "2026-01-31", "width": "\u0661\u0660\u0660\u0660"}, "width is", "give 280 to 1600 pixels"),
        (
            {"to": "2026-01-31", "window_days": "36500"},
            "window_days is 36500",
            "give 396 at most, or null for all days; allowed",
        ),
        ({"to": "2026-01-31", "words": "es"}, "words is 'es'", "give 1 or 0"),
        ({"to": "2026-01-31", "excel": "yes"}, "excel is 'yes'", "give 1 or 0"),
        ({"from_": "2026-01-30", "to": "2026-01-31", "window_days": "3"}, "say the same", "give one of them"),
    ],
)
def test_what_cannot_be_is_refused_with_what_is_allowed(given: dict[str, str], problem: str, advice: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        ask("top_channels", **given)
    assert problem in refused.value.problem
    assert advice in refused.value.advice


def test_nothing_is_taken_twice() -> None:
    with pytest.raises(RequestRefused, match="to is given twice"):
        asking.question(find_analysis("share"), [("to", "2026-01-31"), ("to", "2026-01-30")], ALLOWED, personal=False)


def test_a_document_gives_each_of_its_analyses_the_parameters_that_it_takes() -> None:
    given = [("from", "2026-01-25"), ("to", "2026-01-31"), ("channel", "Siete")]
    asked = {each.name: each.parameters for each in asking.questions("full_analysis", given, ALLOWED, personal=True)}
    assert asked["peak_hours"] == {"channel": "Siete", "window_days": 7}
    assert asked["top_channels"] == {"window_days": 7}


def test_a_document_leaves_out_what_is_of_subscribers_alone_for_who_may_not_see_them() -> None:
    of_all, of_some = (
        {each.name for each in asking.questions("subscribers_analysis", [("to", "2026-01-31")], ALLOWED, personal=personal)}
        for personal in (True, False)
    )
    assert of_all - of_some == {"churn_risk", "win_back"}


@pytest.mark.parametrize(("name", "meant"), [("ful_analysis", "did you mean full_analysis?"), ("x", "there are full_analysis")])
def test_another_document_than_there_is_is_not_found(name: str, meant: str) -> None:
    with pytest.raises(LookupError) as unknown:
        asking.questions(name, [], ALLOWED, personal=True)
    assert meant in str(unknown.value.args[1])
