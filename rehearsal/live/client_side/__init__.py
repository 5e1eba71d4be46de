"""Standard library only: code that is copied into a run and works inside its clients."""
