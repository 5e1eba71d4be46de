"""The scripts that run on the server: each sees a session as it is at one moment.

A session is a hash. Its data are in fields that begin with a colon, one for each name, so that two requests that change
different names at once do not undo each other. Further fields are ``deadline``, in milliseconds since 1970; for a
user's session ``user`` and ``grant``; and ``expires``, in milliseconds, if it ends earlier unless it is saved again.

KEYS are the session and, for a user's, the user's grant: a random text that all sessions of the user carry. To revoke
them, it is deleted, and the next login makes another one; a session under none or an older one is not there any more.
"""

from __future__ import annotations

READ = """
local now, idle, untouched = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local head = redis.pcall('HMGET', KEYS[1], 'deadline', 'grant', 'expires')
if head.err then
  -- Not a hash: none of ours.
  if string.find(head.err, 'WRONGTYPE', 1, true) then return false end
  return head
end
local left = (tonumber(head[1]) or 0) - now
if head[3] then left = math.min(left, (tonumber(head[3]) or 0) - now) end
if not (left > 0) then return false end
if KEYS[2] and (not head[2] or head[2] ~= redis.pcall('GET', KEYS[2])) then return false end
local expiry = math.floor(math.min(idle, left))
if expiry - redis.call('PTTL', KEYS[1]) > untouched then redis.call('PEXPIRE', KEYS[1], expiry) end
return redis.call('HGETALL', KEYS[1])
"""

CREATE = """
local expiry, lifetime, expected, grant = ARGV[1], ARGV[2], ARGV[3], ''
if KEYS[2] then
  local held = redis.call('GET', KEYS[2])
  if expected ~= '' and held ~= expected then return false end
  grant = held or ARGV[4]
  redis.call('SET', KEYS[2], grant, 'PX', lifetime)
  redis.call('HSET', KEYS[1], 'grant', grant)
end
for i = 5, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
redis.call('PEXPIRE', KEYS[1], expiry)
return grant
"""

UPDATE = """
local grant, removed, expiry = ARGV[1], tonumber(ARGV[2]), ARGV[3]
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
if KEYS[2] and redis.call('GET', KEYS[2]) ~= grant then return 0 end
for i = 4, removed + 3 do redis.call('HDEL', KEYS[1], ARGV[i]) end
for i = removed + 4, #ARGV, 2 do redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
if expiry ~= '' then redis.call('PEXPIRE', KEYS[1], expiry) end
return 1
"""

GRANT = """
redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2])
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return redis.call('GET', KEYS[1])
"""
