"""Clients of a site of the stage, for what a laptop cannot reach: the nodes in a VPC."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rehearsal.drills.clients import RefusedError
from rehearsal.drills.load import WrongAnswer

if TYPE_CHECKING:
    from collections import defaultdict

    from rehearsal.drills.clients import Answer, Caller

OK = 200
ITEM = "teapot"
MAXIMUM = 99  # pieces of an item in a cart


@dataclass
class Visit:
    """The session that stands for a key.

    Attributes:
        cookie: Its cookie; empty until the site has set one.
        newest: The newest version that was written, whether or not it was acknowledged.
    """

    cookie: str = ""
    newest: int = 0


class CartClient:
    """A client of the sessions application: a key is a visitor's session, and its version is what is in the cart.

    Sessions expire by themselves, so nothing is left for the users of the stage.

    Args:
        caller: Signs the requests.
        base: URL of the API.
        visits: The session of each key, which all clients of a load share.
    """

    def __init__(self, caller: Caller, base: str, visits: defaultdict[str, Visit]) -> None:
        self._caller, self._base, self._visits = caller, base, visits

    def write(self, key: str, version: int) -> None:
        """Put the pieces into the cart that stand for the version."""
        self._visits[key].newest = version
        answer = self._call(key, "api/cart", "PUT", {"item": ITEM, "quantity": _pieces(version)})
        if answer.cookie:
            self._visits[key].cookie = answer.cookie

    def read(self, key: str) -> int | None:
        """The version that the cart stands for.

        Raises:
            WrongAnswer: If the cart has what no client put into it.
        """
        cart = self._call(key, "api/session").json()["cart"]
        if not cart:
            return None
        if [line["item"] for line in cart] != [ITEM]:
            raise WrongAnswer(f"the cart of {key} has what no client put into it")
        newest = self._visits[key].newest
        return newest - (newest - int(cart[0]["quantity"])) % MAXIMUM  # the newest that this number stands for

    def is_replicated(self, _key: str, _version: int) -> bool:
        """A site does not tell."""
        return False

    def close(self) -> None:
        """Each request has its own connection."""

    def _call(self, key: str, path: str, method: str = "GET", body: Any = None) -> Answer:
        answer = self._caller.call(self._base, path, method, body, cookie=self._visits[key].cookie)
        if answer.status != OK:
            raise RefusedError(f"{answer.status} {answer.body}")
        return answer


def _pieces(version: int) -> int:
    """Between 1 and 99: none would be an empty cart."""
    return (version - 1) % MAXIMUM + 1
