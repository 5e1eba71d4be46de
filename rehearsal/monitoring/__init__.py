"""What CloudWatch computes: metric math, PromQL, and the metrics that ElastiCache publishes. No emulator is needed."""
