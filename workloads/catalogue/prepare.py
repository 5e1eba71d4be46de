"""Creates and fills the catalogue's tables. Safe to run again, for example at each deployment."""

from __future__ import annotations

from pathlib import Path

from workloads.database import Database

_FILES = [Path(__file__).with_name(name) for name in ("schema.sql", "seed.sql")]


def prepare(database: Database) -> None:
    """Create the tables, and add products if there are none."""
    for file in _FILES:
        database.run(file.read_bytes())


def handler(_event: object, _context: object) -> None:
    """Run `prepare` as a Lambda function, on the database that the environment names."""
    with Database() as database:
        prepare(database)
