"""Disturb a client while it is used: interrupts, forks, cancelled tasks, killed servers.

Each value and each session names its owner, so that an answer that belongs to another caller is found.
"""
