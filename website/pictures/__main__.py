"""Starts `website.pictures.command`."""

from elasticache_rules import terminal

if __name__ == "__main__":
    terminal.run("website.pictures.command")
