"""A new project: a CDK app with one stage and one cache, its tests, and its CI."""
