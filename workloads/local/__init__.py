"""The three applications on this machine, on servers of their own; nothing leaves the loopback."""
