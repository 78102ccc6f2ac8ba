from __future__ import annotations

import pytest

from telemetry_pipeline.client.graphql import error_message, one_line


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        (["dagster._core.errors.DagsterExecutionStepExecutionError: Error", "ValueError: bad"], "ValueError: bad"),
        (
            ["dagster.Wrapped: x", "telemetry_pipeline.errors.LoginRejected: wrong password", "urllib3.Y: z"],
            "wrong password",
        ),
        (["sqlalchemy.exc.OperationalError: no\n  connection\n"], "no connection"),
    ],
    ids=["deepest", "ours", "one line"],
)
def test_of_a_chain_of_causes_the_message_that_helps_is_shown(chain: list[str], said: str) -> None:
    links = [{"message": message, "className": "?"} for message in chain]
    assert error_message({**links[0], "causes": links[1:]}) == said


def test_a_message_of_many_pages_is_cut() -> None:
    assert len(one_line("x" * 10_000)) == 600
