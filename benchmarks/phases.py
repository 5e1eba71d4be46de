"""Print, as JSON, where a synth of production spends its time; the rule engine starts in the smallest app as well."""

from __future__ import annotations

import json
import time

start = time.perf_counter()
seconds: dict[str, float] = {}


def lap(phase: str) -> None:
    """The time since the last lap belongs to this phase."""
    global start  # noqa: PLW0603
    now = time.perf_counter()
    seconds[phase] = round(now - start, 3)
    start = now


import aws_cdk as cdk  # noqa: E402

lap("import the CDK")

from stacks import CacheStage  # noqa: E402
from stages import STAGES  # noqa: E402

lap("import the services' modules")

from stacks.policy import add_policy_checks  # noqa: E402

lap("import cdk-nag")

app = cdk.App(analytics_reporting=False)
CacheStage(app, "prod", settings=STAGES["prod"])
lap("construct")

add_policy_checks(app)
lap("start the rule engine")

app.synth()
lap("check and write")

print(json.dumps(seconds))
