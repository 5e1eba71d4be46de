"""The pictures of the documents. ``python -m website.pictures`` draws all of them again; tests find what is stale."""
