"""Write the tables of the indexes and of the commands, the architecture's picture and the list of properties."""

from tests.docs import charges, commands, diagram, properties
from tests.docs.indexes import INDEXES
from tests.peers import table as peers

charges.write()
for index in INDEXES:
    index.path.write_text(index.written(), encoding="utf-8")
commands.DOCUMENT.write_text(commands.written(), encoding="utf-8")
diagram.PICTURE.write_text(diagram.drawn(), encoding="utf-8")
properties.DOCUMENT.write_text(properties.written(), encoding="utf-8")
peers.DOCUMENT.write_text(peers.written(), encoding="utf-8")
