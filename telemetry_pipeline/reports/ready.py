"""What has loaded this is ready to make reports: workers load it before they fork, so that no child pays for it.

Not even this begins the engine of pictures, which cannot be forked.
"""

from __future__ import annotations

import typst  # noqa: F401

from telemetry_pipeline.reports.charts import declaring  # noqa: F401
from telemetry_pipeline.reports.figures import rendering  # noqa: F401
from telemetry_pipeline.reports.forms import templating
from telemetry_pipeline.reports.publishing import publishing  # noqa: F401
from telemetry_pipeline.speech import load_languages

templating.load()
load_languages()
