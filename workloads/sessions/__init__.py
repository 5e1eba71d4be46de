"""A shop with carts and logins in the cache, so that any process can answer any request."""
