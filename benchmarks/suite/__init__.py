"""Where the tests' processor time goes, whatever else the machine does meanwhile."""
