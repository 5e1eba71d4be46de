"""The picture of the architecture is true."""

from __future__ import annotations

from tests.docs import diagram


def test_picture_shows_what_the_code_imports() -> None:
    """The picture is the one that the imports give."""
    assert diagram.drawn() == diagram.PICTURE.read_text(), "run: python -m tests.docs"


def test_every_room_is_described() -> None:
    """The table of rooms has each folder of the packages that is drawn, and each package that is drawn whole."""
    table = diagram.DOCUMENT.read_text().partition("## What is in each room")[2].partition("## ")[0]
    rooms = {f"constructs/{room.replace('.', '/')}" for edge in diagram.edges() for room in edge if "." in room}
    constructs = {
        room
        for room in rooms
        if room.startswith(("constructs/elasticache_constructs/", "constructs/elasticache_rules/"))
    }

    assert [] == sorted(room for room in {*constructs, *diagram.WHOLE} - {"stacks"} if f"`{room}`" not in table)


def test_an_arrow_that_follows_from_others_is_left_out() -> None:
    """Of a way and a shorter one between the same rooms, the longer one is drawn."""
    assert {("a", "b"), ("b", "c"), ("d", "c")} == diagram._reduced({("a", "b"), ("b", "c"), ("a", "c"), ("d", "c")})
