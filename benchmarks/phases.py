"""Print the seconds of each phase of a production synth as JSON."""

from __future__ import annotations

import json
import time

start = time.perf_counter()
seconds: dict[str, float] = {}


def lap(phase: str) -> None:
    """Add the time since the last call to a phase."""
    global start  # noqa: PLW0603 - measured across calls
    now = time.perf_counter()
    seconds[phase] = round(now - start, 3)
    start = now


import aws_cdk as cdk  # noqa: E402 - measured

lap("import the CDK")

from stacks import CacheStage  # noqa: E402 - measured
from stages import STAGES  # noqa: E402 - measured

lap("import the services' modules")

from stacks.policy import add_policy_checks  # noqa: E402 - measured

lap("import cdk-nag")

app = cdk.App(analytics_reporting=False, builtin_cloud_formation_validation=False)
add_policy_checks(app)
lap("add the checks; the rule engine starts in a thread")

CacheStage(app, "prod", settings=STAGES["prod"])
lap("construct")

app.synth()
lap("check and write")

print(json.dumps(seconds))
