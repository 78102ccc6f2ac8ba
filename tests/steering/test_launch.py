"""Parameters that are typed are read as they are meant, or refused with what is allowed."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field

from telemetry_pipeline.errors import RequestRefused
from telemetry_pipeline.steering.launch import parse_choice, parse_parameters


class Top(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limit: int = Field(default=20, ge=1)
    channel: str | None = None
    threshold: float = 3.0
    anonymous: bool = False


class Profile(BaseModel):
    subscriber_code: str


class Nothing(BaseModel):
    pass


MODELS: dict[str, type[BaseModel]] = {"top_channels": Top, "subscriber_profile": Profile, "geography": Nothing}


def parse(*assignments: str, job: str = "telemetry_tick") -> dict[str, dict[str, Any]]:
    return parse_parameters(job, assignments, MODELS)


@pytest.mark.parametrize(
    ("assignment", "value"),
    [
        ("limit=5", 5),
        ("channel=Canal 5 = el mejor", "Canal 5 = el mejor"),
        ('channel="24"', "24"),
        ("channel=24", "24"),
        ("channel=", ""),
        ("channel=null", None),
        ("threshold=2", 2.0),
        ("threshold=1e-3", 0.001),
        ("anonymous=true", True),
    ],
)
def test_a_value_is_read_as_json_or_else_as_text(assignment: str, value: object) -> None:
    parsed = parse(f"top_channels.{assignment}")["top_channels"]
    assert list(parsed.values()) == [value]
    assert type(next(iter(parsed.values()))) is type(value)


def test_only_what_was_given_is_sent_and_the_last_one_wins() -> None:
    parsed = parse("top_channels.limit=1", "subscriber_profile.subscriber_code=A", "top_channels.limit=2")
    assert parsed == {"top_channels": {"limit": 2}, "subscriber_profile": {"subscriber_code": "A"}}


@pytest.mark.parametrize(
    ("assignment", "said"),
    [
        ("top_channels.limit", "write --set asset.parameter=value"),
        ("limit=5", "write --set asset.parameter=value"),
        ("top_chanels.limit=5", "'top_chanels' has no parameters; did you mean top_channels?"),
        ("everything.limit=5", "'everything' has no parameters; top_channels, subscriber_profile have"),
        ("top_channels.limt=5", "top_channels has no parameter 'limt'; did you mean limit? It has limit=20, channel=null"),
        ("top_channels.size=5", "top_channels has no parameter 'size'; it has limit=20, channel=null"),
        ("geography.limit=5", "it has none"),
        ("top_channels.limit=0", "top_channels.limit cannot be '0': expected greater than or equal to 1"),
        ("top_channels.limit=many", "top_channels.limit cannot be 'many': expected a valid integer"),
        ("top_channels.limit=[1]", "top_channels.limit cannot be '[1]'"),
    ],
)
def test_an_impossible_parameter_is_refused_with_what_is_allowed(assignment: str, said: str) -> None:
    with pytest.raises(RequestRefused) as refused:
        parse(assignment)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_json_does_not_know_is_refused(number: str) -> None:
    """Sent on, it would break the request or, worse, a statistic."""
    with pytest.raises(RequestRefused):
        parse(f"top_channels.threshold={number}")


def test_an_asset_that_runs_alone_takes_its_own_parameters_and_needs_those_that_are_required() -> None:
    with pytest.raises(RequestRefused, match="cannot be set for a run of geography alone"):
        parse("top_channels.limit=5", job="geography")
    with pytest.raises(RequestRefused, match="subscriber_code is required"):
        parse(job="subscriber_profile")
    assert parse("subscriber_profile.subscriber_code=7", job="subscriber_profile") == {
        "subscriber_profile": {"subscriber_code": "7"}
    }


@given(st.text())
def test_any_text_is_either_refused_or_sent_as_it_is(text: str) -> None:
    sent = parse(f'top_channels.channel="{text}"')["top_channels"]["channel"]
    assert isinstance(sent, str)


def test_parameters_of_several_analyses_are_those_of_the_chosen_ones_alone() -> None:
    chosen = ["top_channels", "geography"]
    assert parse_choice(chosen, ["top_channels.limit=5"], MODELS) == {"top_channels": {"limit": 5}}
    with pytest.raises(
        RequestRefused, match=r"subscriber_profile\.subscriber_code cannot be set: only top_channels, geography"
    ):
        parse_choice(chosen, ["subscriber_profile.subscriber_code=7"], MODELS)
    with pytest.raises(RequestRefused, match="subscriber_code is required"):
        parse_choice(["subscriber_profile"], [], MODELS)
