"""Write the tables of the indexes, the picture of the architecture and the list of properties again."""

from tests.docs import diagram, properties
from tests.docs.indexes import INDEXES

for index in INDEXES:
    index.path.write_text(index.written(), encoding="utf-8")
diagram.DOCUMENT.write_text(diagram.written(), encoding="utf-8")
properties.DOCUMENT.write_text(properties.written(), encoding="utf-8")
