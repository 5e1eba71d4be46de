"""A shop's catalogue: PostgreSQL behind lazy loading and write-through."""
