"""The scripts that run on the server, where a board is two keys that change together.

KEYS are pairs, one for each window. The first is a sorted set in the order of ranks: its scores are the players', with
the sign reversed if the highest wins, and its members are a sequence number and the player's name, so that of equal
scores the earlier one comes first. The second is a hash with the member of each player and, under the empty name, the
last sequence number. It is a number and not a time: two times may be equal, and an application's user may not run TIME.
"""

from __future__ import annotations

SUBMIT = """
local rule, player, given, limit = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local most = tonumber(ARGV[5])
local held, wanted = {}, {}
for i = 1, #KEYS, 2 do
  local member = redis.call('HGET', KEYS[i + 1], player)
  local score = member and tonumber(redis.call('ZSCORE', KEYS[i], member))
  held[i] = score
  wanted[i] = given
  if score and rule == 'best' then wanted[i] = math.min(score, given) end
  if score and rule == 'sum' then wanted[i] = score + given end
  if math.abs(wanted[i]) > limit then return false end
end
local standings = {}
for i = 1, #KEYS, 2 do
  local board, players = KEYS[i], KEYS[i + 1]
  -- An eviction may have taken the hash and left the set, whose players would be in it twice.
  if redis.call('EXISTS', players) == 0 then redis.call('DEL', board) end
  if held[i] ~= wanted[i] then
    local before = redis.call('HGET', players, player)
    if before then redis.call('ZREM', board, before) end
    local member = string.format('%016.0f', redis.call('HINCRBY', players, '', 1)) .. player
    redis.call('HSET', players, player, member)
    redis.call('ZADD', board, string.format('%.0f', wanted[i]), member)
  end
  -- One for each that comes, and some more after the bound was lowered.
  if most and redis.call('ZCARD', board) > most then
    for _, last in ipairs(redis.call('ZRANGE', board, math.max(most, redis.call('ZCARD', board) - 100), -1)) do
      redis.call('ZREM', board, last)
      redis.call('HDEL', players, string.sub(last, 17))
    end
  end
  local member = redis.call('HGET', players, player)
  local rank, score = member and redis.call('ZRANK', board, member), member and redis.call('ZSCORE', board, member)
  -- Last, for by the server's clock that moment may have come, and the board is gone then.
  local expires = ARGV[5 + (i + 1) / 2]
  if expires ~= '' then
    redis.call('EXPIREAT', board, expires)
    redis.call('EXPIREAT', players, expires)
    if redis.call('EXISTS', board) == 0 then rank, score = false, false end
  end
  table.insert(standings, rank)
  table.insert(standings, score)
end
return standings
"""

AROUND = """
local member = redis.call('HGET', KEYS[2], ARGV[1])
local rank = member and redis.call('ZRANK', KEYS[1], member)
if not rank then return false end
local first = math.max(rank - tonumber(ARGV[2]), 0)
return {first, redis.call('ZRANGE', KEYS[1], first, rank + tonumber(ARGV[2]), 'WITHSCORES')}
"""

REMOVE = """
local removed = 0
for i = 1, #KEYS, 2 do
  local member = redis.call('HGET', KEYS[i + 1], ARGV[1])
  if member then
    redis.call('HDEL', KEYS[i + 1], ARGV[1])
    removed = removed + redis.call('ZREM', KEYS[i], member)
  end
end
return removed
"""
