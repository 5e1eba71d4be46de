"""The smallest CDK app in Python, with one topic in one stack and the feature flags of this repository."""

from __future__ import annotations

import aws_cdk as cdk
from aws_cdk import aws_sns as sns

app = cdk.App(analytics_reporting=False)
sns.Topic(cdk.Stack(app, "Topic"), "Topic")
app.synth()
