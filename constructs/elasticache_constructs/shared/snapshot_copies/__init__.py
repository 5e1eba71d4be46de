"""Copies of snapshots in S3, also in other Regions."""
