"""What users may do: in words, and as access strings."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from elasticache_constructs import Permissions
from tests.deployable.drawing.reasons import REASON
from tests.deployable.written import Call, call

if TYPE_CHECKING:
    from tests.deployable.drawing.engines import Known

_PATTERNS = st.sampled_from(("app:*", "session:*", "user:{1}:*", "[a-f]?:*", "*", "a", "Cart:*"))
_COMMANDS = (
    *("+get", "+set", "+@read", "+@write -function -@dangerous", "-@dangerous", "+client|id", "-keys", "+@hash"),
    *("nocommands", "-@all", "+@sortedset", "+PING", "+@connection -@dangerous +info"),
)
# In this order none takes an earlier one back.
_IN_ORDER = (
    *("nocommands", "-@dangerous", "+@read", "+@hash", "+@write -function -@dangerous", "-keys", "+get", "+set"),
    *("+@connection -@dangerous +info", "+client|id", "+@sortedset", "+PING"),
)
_ODD_WORDS = (
    *(
        ">secret-of-mine",
        "#" + "0" * 64,
        "nopass",
        "RESET",
        "+config|get",
        "+shutdown",
        "+DEBUG",
        "+@admin",
        "+@all",
        "allcommands",
        "+@dangerous",
        "+@nosuch",
        "+flushall",
    ),
    *("resetkeys", "resetchannels", "-@read", "db=0", "+gett", "+@bloom", "+ft.search"),
    *("on", "off", "~", "&", "(", ")", "(~a", "hello", "%R~", "clearselectors", "+", "~a:* b", "+@write", "-@nosuch"),
)


@st.composite
def careful(draw: st.DrawFn, known: Known) -> Call:
    """Words that the engine reads."""
    channels = known.supports("acl_channels")
    keyed = [Permissions.read_only, Permissions.read_write]
    kinds: list[Any] = [*keyed, *([Permissions.publish, Permissions.subscribe] if channels else [])]
    if draw(st.booleans()):
        kind = draw(st.sampled_from(kinds))
        more = {"channels": ["app:*"]} if channels and kind in keyed and draw(st.booleans()) else {}
        return call(kind, *draw(st.lists(_PATTERNS, min_size=1, max_size=3)), **more)
    rules = _rules(channels=channels)
    words = ["on", *draw(rules)]
    if known.supports("acl_selectors") and draw(st.booleans()):
        words += [f"({' '.join(draw(rules))})", f"%R~{draw(_PATTERNS)}"]
    return call(Permissions, " ".join(words))


@st.composite
def _rules(draw: st.DrawFn, *, channels: bool) -> list[str]:
    keys = [f"~{each}" for each in draw(st.lists(_PATTERNS, min_size=1, max_size=2, unique=True))]
    listening = [f"&{draw(_PATTERNS)}"] if channels and draw(st.booleans()) else []
    places = draw(st.sets(st.integers(0, len(_IN_ORDER) - 1), max_size=3))
    return [*keys, *listening, *(_IN_ORDER[place] for place in sorted(places))]


@st.composite
def careless(draw: st.DrawFn) -> Call:
    """Right but for an odd word somewhere, for the switch or for a reason; or patterns that are not valid."""
    if draw(st.integers(0, 4)) == 0:
        patterns = st.sampled_from(("", "app:*", "a b", "~a", ">secret", "(", "*"))
        words_of = draw(st.sampled_from((Permissions.read_only, Permissions.read_write, Permissions.publish)))
        return call(words_of, *draw(st.lists(patterns, max_size=2)))
    switch = draw(st.sampled_from((["on"], ["on"], ["on"], ["off"], [])))
    places = draw(st.sampled_from((["~app:*"], ["~app:*", "&events:*"], ["(~app:* +get)"], ["%W~app:*"])))
    words = [draw(st.sampled_from(_COMMANDS)), draw(st.sampled_from((*_ODD_WORDS, *_COMMANDS)))]
    reason = draw(st.sampled_from((None, None, None, REASON, "short")))
    return call(Permissions, " ".join([*switch, *places, *words]), reason=reason)
