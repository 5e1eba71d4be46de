"""Standard library only: code that is copied into a run and works inside the processes of functions."""
