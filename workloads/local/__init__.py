"""The three applications on this machine, with their own servers, on the loopback address only."""
