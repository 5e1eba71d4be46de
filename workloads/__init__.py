"""Three small applications on ElastiCache: a catalogue with a database, a shop with sessions, and a leaderboard.

Each is a package of three layers: ``domain`` has the data types and rules, ``storage`` reads and writes, and ``web``
serves HTTP. ``handler`` makes a Lambda function of it. ``python -m workloads.local`` runs all three on this machine
with their own servers.
"""
