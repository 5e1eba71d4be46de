"""The CDK app: one stage of stacks for every entry of STAGES, or for the one that context ``stage`` names."""

import gc

import aws_cdk as cdk

from elasticache_constructs import one_line_errors
from stacks import CacheStage
from stacks.policy import add_policy_checks

with one_line_errors():
    # In here, so that what a value of stages.py refuses is one line, too.
    from stages import selected_stages

    app = cdk.App(analytics_reporting=False, builtin_cloud_formation_validation=False)
    # Before the stages: the rule engine is built in a thread, while they are.
    add_policy_checks(app)
    for name, settings in selected_stages(app.node.try_get_context("stage")).items():
        CacheStage(app, name, settings=settings)
    app.synth()

# As Python ends, its garbage collector visits every object of the CDK several times: 0.3 seconds.
gc.freeze()
