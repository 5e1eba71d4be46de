"""An app with the examples as one stage, `examples`: each kind of cache, in both modes, and automatic scaling.

`python -m rehearsal --stage examples --app 'python3 -m rehearsal.examples_stage'` rehearses what the stages of
stages.py do not have.
"""

from __future__ import annotations

import aws_cdk as cdk

from every_example import EXAMPLES, load

STAGE = "examples"
NAMES = (
    *("memcached", "preview", "redis-auth-token", "redis-one-node", "redis-zones", "shared-users"),
    *("valkey-auto-scaling", "valkey-cluster-mode-iam", "valkey-dual-stack", "valkey-durable", "valkey-parameters"),
    "valkey-serverless",
)


def build(app: cdk.App) -> cdk.Stage:
    """The stage.

    Args:
        app: The app.
    """
    stage = cdk.Stage(app, STAGE)
    for name in NAMES:
        load(EXAMPLES / f"{name}.py").build(stage)
    return stage


if __name__ == "__main__":
    main = cdk.App()
    build(main)
    main.synth()
