"""A shop's catalogue in PostgreSQL, cached with lazy loading and write-through."""
