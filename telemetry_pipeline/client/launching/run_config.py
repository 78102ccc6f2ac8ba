"""How the configuration of a run has the parameters of its assets: below the step that makes an asset; where a step makes
several, below the name of each. Whatever else people write is seen to in ``orchestration.forms``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

Steps = Mapping[str, str]
"""In which step an asset is made, by its name; one that is not there, in a step of its own name."""


def written(parameters: Mapping[str, Mapping[str, Any]], steps: Steps) -> dict[str, Any]:
    """Return parameters, by asset, as a run is given them: ``{"top_channels": {"limit": 5}}`` as
    ``{"ops": {"general": {"config": {"top_channels": {"limit": 5}}}}}``.
    """
    ops: dict[str, Any] = {}
    for name, values in parameters.items():
        if (step := steps.get(name, name)) == name:
            ops[name] = {"config": dict(values)}
        else:
            ops.setdefault(step, {"config": {}})["config"][name] = dict(values)
    return {"ops": ops}


def read(run_config: Mapping[str, Any], steps: Steps) -> dict[str, dict[str, Any]]:
    """Return the parameters that a run is given, by asset."""
    configs = {step: (given or {}).get("config") or {} for step, given in (run_config.get("ops") or {}).items()}
    of_several = {name: configs[step].get(name) or {} for name, step in steps.items() if name in configs.get(step, {})}
    return {step: config for step, config in configs.items() if step not in steps.values()} | of_several
