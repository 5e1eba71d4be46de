"""Rotation of tokens and passwords without a failed login."""
