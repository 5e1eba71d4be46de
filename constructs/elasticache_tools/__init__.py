"""Commands for projects that use the constructs; `elasticache_rules.terminal.run` starts each of them."""
