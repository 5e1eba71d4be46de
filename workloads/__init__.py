"""Three small applications on ElastiCache: a catalogue before a database, sessions, and a leaderboard.

Each is a package of three layers: ``domain`` has the words and the rules, ``storage`` knows where things are kept, and
``web`` speaks HTTP. ``handler`` makes a Lambda function of it. ``python -m workloads.local`` starts all three here, on
servers of their own.
"""
