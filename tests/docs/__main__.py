"""Write the tables of the indexes and the picture of the architecture again."""

from tests.docs import diagram
from tests.docs.indexes import INDEXES

for index in INDEXES:
    index.path.write_text(index.written(), encoding="utf-8")
diagram.DOCUMENT.write_text(diagram.written(), encoding="utf-8")
