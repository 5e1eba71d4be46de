"""What an operator does to a stage that is deployed to AWS: drills, and service updates.

The drills are those of `rehearsal.drills`. Nothing here is for the emulator: against a rehearsal, the same commands run
as against AWS.
"""
