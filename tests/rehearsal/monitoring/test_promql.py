"""PromQL: values that Prometheus's own tests and AWS's pages have, and what is refused."""

from __future__ import annotations

import pytest

from rehearsal.monitoring.contributors import Criteria, alarming
from rehearsal.monitoring.promql import Evaluation, QueryError, Vector, selectors
from rehearsal.monitoring.series import Store

MINUTE = 60.0
GROUP = "@resource.aws.elasticache.replication_group.id"
NODE = "@resource.aws.elasticache.node.id"


def _store(*series: tuple[str, dict[str, str], list[float]], step: float = MINUTE) -> Store:
    """Series whose samples are a step apart, from 0 on."""
    store = Store()
    for name, labels, values in series:
        store.add(name, labels, [(number * step, value) for number, value in enumerate(values)])
    return store


def _at(store: Store, query: str, at: float) -> Vector:
    return Evaluation(store.by_name, at).vector(query)


@pytest.mark.parametrize(
    ("query", "at", "value"),
    [
        # https://github.com/prometheus/prometheus/blob/main/promql/promqltest/testdata/functions.test
        ("rate(requests[50m])", 3000, 100 / 3000),
        ("increase(requests[50m])", 3000, 100),
        ("increase(restarted[50m])", 3000, 800 / 9),
        ("delta(gauge[50m])", 3000, -100),
    ],
)
def test_rates_are_those_of_prometheus(query: str, at: float, value: float) -> None:
    """Changes are extrapolated to the ends of the range, and a counter that is reset begins at 0."""
    store = _store(
        ("requests", {}, [10.0 * number for number in range(11)]),
        ("restarted", {}, [*(10.0 * number for number in range(6)), *(10.0 * number for number in range(5))]),
        ("gauge", {}, [100.0 - 10 * number for number in range(11)]),
        step=300,
    )
    assert list(_at(store, query, at).values()) == pytest.approx([value])


def test_the_share_of_memory_is_per_node() -> None:
    """The query of AWS's page returns the node that is above the threshold, with its labels, and no other group."""
    store = _store(
        *(
            ("valkey.memory.used", {GROUP: group, NODE: node}, [used])
            for group, node, used in (("my-cluster", "1", 95.0), ("my-cluster", "2", 50.0), ("other", "3", 99.0))
        ),
        *(("valkey.memory.max", {GROUP: "my-cluster", NODE: node}, [100.0]) for node in "12"),
    )
    query = (
        f'100 * {{"valkey.memory.used", "{GROUP}"="my-cluster"}} / {{"valkey.memory.max", "{GROUP}"="my-cluster"}} > 90'
    )
    assert _at(store, query, 0) == {frozenset({(GROUP, "my-cluster"), (NODE, "1")}): 95}


def test_aggregations_and_matchers() -> None:
    """`without` keeps the other labels, `by` only its own; regular expressions are anchored."""
    store = _store(
        *(
            ("cpu", {"mode": mode, "thread": thread, "node": node}, [second * number for number in range(6)])
            for mode, second in (("user", 6.0), ("system", 12.0))
            for node, thread in (("1", "main"), ("2", "main"), ("2", "io"))
        )
    )
    each = _at(store, '100 * sum without ("mode") (rate(cpu{thread="main"}[5m]))', 300)
    assert {dict(key)["node"]: value for key, value in each.items()} == pytest.approx({"1": 30, "2": 30})
    assert _at(store, 'sum by ("node") (cpu{thread=~"ma|.*o"})', 0) == {frozenset({("node", "2")}): 0}
    assert _at(store, 'count(cpu{mode!="user", thread!~"i.*"})', 0) == {frozenset(): 2}
    assert _at(store, "max_over_time(cpu{mode='user', node='1'}[2m])", 300) == pytest.approx(
        {frozenset({("mode", "user"), ("thread", "main"), ("node", "1")}): 30}
    )


def test_pairs_of_vectors() -> None:
    """`on`, `group_left`, `and`, `unless` and numbers on the left."""
    store = _store(
        *(("io", {"node": node, "way": way}, [5.0]) for node in "12" for way in ("in", "out")),
        *(("limit", {"node": node}, [10.0 * int(node)]) for node in "12"),
    )
    shares = _at(store, "io / on (node) group_left limit", 0)
    assert {(dict(key)["node"], dict(key)["way"]): value for key, value in shares.items()} == {
        ("1", "in"): 0.5, ("1", "out"): 0.5, ("2", "in"): 0.25, ("2", "out"): 0.25,
    }  # fmt: skip
    assert len(_at(store, "io and on (node) (limit > 10)", 0)) == 2
    assert len(_at(store, "io unless on (node) limit", 0)) == 0
    assert list(_at(store, "15 < limit", 0).values()) == [20]
    assert sorted(_at(store, "limit > bool 10", 0).values()) == [0, 1]


def test_old_samples_are_not_current() -> None:
    """A series without a sample for five minutes is gone; `offset` looks at an earlier moment."""
    store = _store(("up", {}, [1.0]))
    assert _at(store, "up", 299)
    assert not _at(store, "up", 300)
    assert _at(store, "up offset 5m", 300)


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("up{", "it must be PromQL"),
        ("topk(5, up)", "the aggregation topk: understood are sum, avg"),
        ("histogram_quantile(0.9, up)", "histogram_quantile"),
        ("max_over_time(up[1h:1m])", "SubqueryExpr"),
        ("up @ 3", "`@`"),
        ("3", "returns a number: an alarm needs a vector"),
        ("rate(up[8d])", "at most 7 days"),
        ("io / on (node) limit", "use group_left"),
        ("limit / on (node) io", "several series"),
        ("up and 1", "set operator"),
    ],
)
def test_what_is_not_understood_is_refused(query: str, told: str) -> None:
    """The message names it."""
    store = _store(
        *(("io", {"node": "1", "way": way}, [5.0]) for way in ("in", "out")), ("limit", {"node": "1"}, [10.0])
    )
    with pytest.raises(QueryError, match=told):
        _at(store, query, 0)


def test_what_a_query_selects() -> None:
    """Selectors have their name, their matchers, and whether they are counters."""
    read, counted = selectors('{"a.b", "x.y"="1"} > 3 or sum(increase({"c.d", "z"=~"p|q"}[5m]))')
    assert (read.name, read.matchers, read.counted) == ("a.b", (("=", "x.y", "1"),), False)
    assert (counted.name, counted.matchers, counted.counted) == ("c.d", (("=~", "z", "p|q"),), True)


@pytest.mark.parametrize(
    ("values", "alarms"),
    [
        pytest.param([1] * 3, False, id="two minutes of a pending period of three"),
        pytest.param([1] * 4, True, id="three minutes"),
        pytest.param([1, 1, 1, 0, 1, 1, 1], False, id="with an interruption"),
        pytest.param([1] * 4 + [0] * 2, True, id="a minute of a recovery period of two"),
        pytest.param([1] * 4 + [0] * 3, False, id="two minutes"),
        pytest.param([1] * 4 + [0] * 2 + [1], True, id="it comes back within the recovery period"),
    ],
)
def test_a_contributor_breaches_for_the_pending_period(values: list[float], *, alarms: bool) -> None:
    """It is in ALARM after its pending period, and until it has been absent for its recovery period."""
    store = _store(("up", {"node": "1"}, values), ("up", {"node": "2"}, [0.0] * len(values)))
    found = alarming(Criteria("up > 0", MINUTE, 3 * MINUTE, 2 * MINUTE), store.by_name, MINUTE * (len(values) - 1))
    assert found == ([{"node": "1"}] if alarms else [])


@pytest.mark.parametrize(
    ("query", "alarms"),
    [
        ("max_over_time(up[3h]) > 0", True),
        ("abs(up offset 2h) > 0", True),
        ('sum({node="1"} offset 2h) + 0 > 0', True),
        ('up{node="0"} offset 2h or up{node="1"} offset 2h', True),
        ("up > 0", False),
        ("down > 0", False),
    ],
)
def test_an_alarm_reads_as_far_back_as_its_query(query: str, *, alarms: bool) -> None:
    """Series without a sample that it reads are left out, and no others."""
    store = _store(("up", {"node": "1"}, [1.0] * 2))
    found = alarming(Criteria(query, MINUTE, 0, 0), store.by_name, 120 * MINUTE)
    assert alarms == bool(found)
