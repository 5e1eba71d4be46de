"""Who can connect to whom in a VPC: a small model of a network, its judgement, and its reader for templates.

The reachability check at synth reads the model from templates; the rehearsal reads it from the emulated account.
"""
