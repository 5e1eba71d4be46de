"""Drills on the HTTP APIs: who may call them, and that their data come through the cache."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from rehearsal.drills import accounts
from rehearsal.drills.clients import BoardClient, Caller
from rehearsal.drills.scene import NotApplicableError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rehearsal.drills.scene import Scene
    from rehearsal.drills.stage import Site

OK, FORBIDDEN = 200, 403
PRODUCTS = (1, 2, 3, 4, 5, 6)
ATTEMPTS = 5
ITEM = "teapot"


def invoke(scene: Scene, sites: Sequence[Site]) -> list[dict[str, Any]]:
    """The statement that allows to call APIs."""
    account = scene.client("sts").get_caller_identity()["Account"]
    region = scene.stage.account.region
    resources = [f"arn:aws:execute-api:{region}:{account}:{site.name}/$default/*/*" for site in sites]
    return [{"Effect": "Allow", "Action": "execute-api:Invoke", "Resource": resources}]


def required_sites(scene: Scene) -> tuple[Site, ...]:
    """The sites of the stage.

    Raises:
        NotApplicableError: If it has none.
    """
    if not scene.stage.sites:
        raise NotApplicableError("the stage has no HTTP API")
    return scene.stage.sites


def caller(scene: Scene, role: str) -> Caller:
    """A caller that signs with the credentials of a role."""
    return Caller.of(scene.stage.account.region, accounts.session(scene, role))


def serve(scene: Scene) -> None:
    """Call each site with a grant, without one and unsigned, then use the applications behind them."""
    sites = required_sites(scene)
    region = scene.stage.account.region
    with accounts.role(scene, invoke(scene, sites)) as granted, accounts.role(scene) as stranger:
        allowed, refused = caller(scene, granted), caller(scene, stranger)
        for site in sites:
            scene.expect(
                "unsigned requests are refused", FORBIDDEN, Caller(region).call(site.url, "").status, of=site.resource
            )
            scene.expect(
                "a role without a grant is refused", FORBIDDEN, refused.call(site.url, "").status, of=site.resource
            )
            scene.expect("signed requests are answered", OK, allowed.call(site.url, "").status, of=site.resource)
        if catalogue := scene.stage.site("catalogue"):
            _through_the_cache(scene, allowed, catalogue)
        if sessions := scene.stage.site("sessions"):
            _session(scene, allowed, sessions)
        if leaderboard := scene.stage.site("leaderboard"):
            with scene.load([partial(BoardClient, allowed, leaderboard.url)] * 2, keys=4) as load:
                load.event("two players submit scores")
            scene.expect_right_answers(of=leaderboard.resource)


def _through_the_cache(scene: Scene, allowed: Caller, site: Site) -> None:
    """Read products twice: the second time, the cache has them all, and the database is not asked."""
    for _ in range(ATTEMPTS):
        first, second, third = (_figures_after(allowed, site, products) for products in ((), PRODUCTS, PRODUCTS))
        if first["process"] == second["process"] == third["process"]:
            break  # the figures are those of one process
    queries = [figures["database"]["queries"] for figures in (first, second, third)]
    hits = [figures["cache"]["hits"] for figures in (first, second, third)]
    scene.expect("the data come from the database", "yes", "yes" if queries[1] > 0 else "no", of=site.resource)
    scene.expect("hits rise when the data are read again", len(PRODUCTS), hits[2] - hits[1], of=site.resource)
    scene.expect("no database query when the data are read again", 0, queries[2] - queries[1], of=site.resource)


def _figures_after(allowed: Caller, site: Site, products: Sequence[int]) -> Any:
    for number in products:
        answer = allowed.call(site.url, f"api/products/{number}")
        if answer.status != OK:
            break  # the figures tell
    return allowed.call(site.url, "api/figures").json()


def _session(scene: Scene, allowed: Caller, site: Site) -> None:
    """Put something into the cart of a new session, and find it with the cookie alone."""
    put = allowed.call(site.url, "api/cart", "PUT", {"item": ITEM, "quantity": 2})
    found = allowed.call(site.url, "api/session", cookie=put.cookie) if put.status == OK else put
    quantities = [line["quantity"] for line in found.json()["cart"]] if found.status == OK else found.body
    scene.expect("a session is found again", [2], quantities, of=site.resource)
