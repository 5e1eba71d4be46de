"""A shop whose carts and logins live in the cache, so that any process may answer any request."""
