"""The floor: the least that a CDK app in Python can be, one topic in one stack, under the flags of this repo."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_sns as sns

app = cdk.App(analytics_reporting=False)
sns.Topic(cdk.Stack(app, "Topic"), "Topic")
app.synth()
