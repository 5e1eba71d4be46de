"""Constructs of the reference applications: database, HTTP API, function and its code."""
