"""Deploy a stage to an emulated AWS on this machine, compare what was deployed with the templates, and destroy it."""
