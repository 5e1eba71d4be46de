"""The endpoints of caches and databases: listeners that end TLS, ask who may connect and log in, and relay."""
