"""Brings caches that exist under code: reads them, and writes the code, a mapping for ``cdk import``, and the steps."""
