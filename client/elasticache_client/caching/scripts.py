"""What the server has to run as one command, in Lua.

A value's lease is a hash in the same slot: ``holder`` is the token of the caller that loads, ``error`` says that it
failed, and there is one field for each token that may still store. The hash lives for many leases; in the first of
them, other callers leave the work to its holder. Its remaining time to live tells the time, since an application's user
may not run TIME. A write or an invalidation deletes the hash, and with it the token of every load that began before. An
expired lease leaves the tokens: a load that outlives it may still be stored, so that a slow database does not mean an
empty cache. Evicting either key costs one load.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class NamedScript:
    """A script, its name in the log, and the digest by which the server knows it."""

    name: str
    text: str
    sha: str = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "sha", hashlib.sha1(self.text.encode(), usedforsecurity=False).hexdigest())


# A lease that cannot be given an expiry is deleted.
# A holder that asks again has not received the answer: clients repeat what a broken connection cut off.
# A caller that was slow to ask may have a value that another has replaced meanwhile: if the new one is fresh, it is
# returned and not refreshed.
# ARGV: token; lease, and life of tokens, in ms; ms before its end when a value may be refreshed, and when it is no
# longer fresh; SHA-1 of a value that cannot be read, and of the one that the caller has
BEGIN_LOAD = NamedScript(
    "BEGIN_LOAD",
    """
local value = redis.pcall('GET', KEYS[1])
if type(value) == 'string' then
  local left, digest = redis.call('PTTL', KEYS[1]), redis.sha1hex(value)
  local replaced = ARGV[7] ~= '' and digest ~= ARGV[7] and left > tonumber(ARGV[5])
  if digest ~= ARGV[6] and (replaced or left > tonumber(ARGV[4])) then return {'value', value} end
end
local lease = redis.call('HMGET', KEYS[2], 'holder', 'error')
local left = redis.call('PTTL', KEYS[2]) - (ARGV[3] - ARGV[2])
if lease[1] and lease[1] ~= ARGV[1] and left > 0 then
  if lease[2] then return {'failed', left, lease[2]} end
  return {'wait', left}
end
redis.call('HDEL', KEYS[2], 'error')
redis.call('HSET', KEYS[2], 'holder', ARGV[1], ARGV[1], 1)
local ends = redis.pcall('PEXPIRE', KEYS[2], ARGV[3])
if type(ends) == 'table' then
  redis.call('DEL', KEYS[2])
  return ends
end
return {'load'}
""",
)

# ARGV: token, value, ms to keep it
END_LOAD = NamedScript(
    "END_LOAD",
    """
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('DEL', KEYS[2])
return 1
""",
)

# A load that outlived its lease tells the callers that wait for the next one, which would get the same error. Its token
# is gone after a write, and then it tells nothing.
# ARGV: token; the error's name, or an empty text to end the lease at once
FAIL_LOAD = NamedScript(
    "FAIL_LOAD",
    """
local counts = redis.call('HDEL', KEYS[2], ARGV[1]) == 1
local holder = redis.call('HGET', KEYS[2], 'holder')
if holder ~= ARGV[1] then
  if counts and holder and ARGV[2] ~= '' then redis.call('HSET', KEYS[2], 'error', ARGV[2]) end
  return 0
end
if ARGV[2] == '' then
  redis.call('HDEL', KEYS[2], 'holder')
else
  redis.call('HSET', KEYS[2], 'error', ARGV[2])
end
return 1
""",
)

# ARGV: value, ms to keep it
WRITE = NamedScript(
    "WRITE",
    """
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
redis.call('DEL', KEYS[2])
return 1
""",
)

# The older value is still served, but not for longer than the lease: the writer may die before it replaces it.
# ARGV: token; lease, and life of tokens, in ms
BEGIN_WRITE = NamedScript(
    "BEGIN_WRITE",
    """
redis.call('DEL', KEYS[2])
redis.call('HSET', KEYS[2], 'holder', ARGV[1], ARGV[1], 1)
redis.call('PEXPIRE', KEYS[2], ARGV[3])
if redis.call('PTTL', KEYS[1]) > tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1
""",
)

# If the token is gone, another caller wrote meanwhile: only the database knows which value is later, so none stays.
# ARGV: token, value, ms to keep it
END_WRITE = NamedScript(
    "END_WRITE",
    """
local alone = redis.call('HEXISTS', KEYS[2], ARGV[1]) == 1
redis.call('DEL', KEYS[1], KEYS[2])
if alone then redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3]) end
return 1
""",
)
