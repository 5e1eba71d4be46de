"""What several constructs share: keys, topics, log groups, metrics, grants and names."""
