"""Templates and cloud assemblies, read in one way by the change gate, the posture checks and the verification."""
