"""What runs, compared with what was deployed: resources are read back through boto3, from AWS or from a rehearsal."""
