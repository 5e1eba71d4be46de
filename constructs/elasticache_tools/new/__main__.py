"""Starts `elasticache_tools.new.command`."""

from elasticache_rules import terminal

if __name__ == "__main__":
    terminal.run("elasticache_tools.new.command")
