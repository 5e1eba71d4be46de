"""An app with the examples as one stage, `examples`: each kind of cache, in both modes, and automatic scaling.

`python -m rehearsal --stage examples --app 'python3 -m rehearsal.examples_stage'` rehearses what the stages of
stages.py do not have.
"""

from __future__ import annotations

import importlib.util
from pathlib import Path

import aws_cdk as cdk

STAGE = "examples"
EXAMPLES = Path(__file__).parents[1] / "examples"
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
        path = EXAMPLES / f"{name}.py"
        spec = importlib.util.spec_from_file_location(path.stem, path)
        if spec is None or spec.loader is None:
            raise ImportError(str(path))
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        module.build(stage)
    return stage


if __name__ == "__main__":
    main = cdk.App()
    build(main)
    main.synth()
