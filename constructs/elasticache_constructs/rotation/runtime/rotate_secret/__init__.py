"""Rotates the password of one ElastiCache user, or the AuthToken of one group, without failing a login.

The states, the guarantees and what clients owe are in docs/rotation.md.
"""
