"""Metrics of caches by name, and the alarms that every cache has."""
