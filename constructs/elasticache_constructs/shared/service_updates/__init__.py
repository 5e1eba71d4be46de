"""The alarm that a service update of a cache is overdue."""
