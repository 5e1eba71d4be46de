"""Rotates the password of one ElastiCache user, or the AuthToken of one group, without failing a login.

docs/rotation.md has the states, the guarantees and what clients must do.
"""
