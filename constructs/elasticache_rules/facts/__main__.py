"""Starts `elasticache_rules.facts.command`."""

from elasticache_rules import terminal

if __name__ == "__main__":
    terminal.run("elasticache_rules.facts.command")
