"""Engines of caches and databases: processes of this machine behind the edge. No module knows the emulator."""
