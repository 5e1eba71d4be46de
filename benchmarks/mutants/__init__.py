"""What tests catch: a seeded sample of small mistakes in the code, each tried against the tests that run its line.

Mutation testers that are kept well (mutmut, cosmic-ray) try all mutants with one command, or rewrite every function
into a trampoline. jsii reads the signatures of constructs, and all mutants of this code would take days. So a sample,
and for each mutant only the tests that run its line.
"""
