"""Services of each way to run production with compose."""

from __future__ import annotations

import pytest
from compose import (
    PRODUCTION,
    Spec,
    by_name,
    load,
)


@pytest.fixture(params=PRODUCTION, ids=by_name)
def services(request: pytest.FixtureRequest) -> dict[str, Spec]:
    services: dict[str, Spec] = load(*request.param)["services"]
    return services
