"""What is known about ElastiCache and judged without the CDK: facts, posture rules and the change gate."""
