"""Starts `elasticache_tools.adopt.command`."""

from elasticache_rules import terminal

if __name__ == "__main__":
    terminal.run("elasticache_tools.adopt.command")
