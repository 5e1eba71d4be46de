"""Write the tables of the indexes again."""

from tests.docs.indexes import INDEXES

for index in INDEXES:
    index.path.write_text(index.written(), encoding="utf-8")
