"""Makes the catalogue's tables and fills them, once: a function to run at deployment, any number of times."""

from __future__ import annotations

from pathlib import Path

from workloads.database import Database

_FILES = [Path(__file__).with_name(name) for name in ("schema.sql", "seed.sql")]


def prepare(database: Database) -> None:
    """Make the tables, and put products where there are none."""
    for file in _FILES:
        database.run(file.read_bytes())


def handler(_event: object, _context: object) -> None:
    """The same as a Lambda function, on the database that the environment names."""
    with Database() as database:
        prepare(database)
