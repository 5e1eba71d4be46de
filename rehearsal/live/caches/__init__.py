"""ElastiCache's API on engines that run: hooks on the emulator's functions, which start, change and end engines."""
