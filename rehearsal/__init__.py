"""Deploy a stage to an emulated AWS on this machine, read back what came out, and take it down again."""
