"""What goes wrong around a client while it is used: interrupts, forks, cancelled tasks, killed servers.

Every key, value and session says whose it is, so that an answer that belongs to somebody else is seen.
"""
