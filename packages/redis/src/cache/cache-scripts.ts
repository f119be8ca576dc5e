import { Script } from '../scripts/script.ts'

/** How long the body of an entry that is gone can still be read by who had begun, in milliseconds. */
const GRACE_MS = 30_000

/** How long a key remembers that it was purged: longer than any commit is on its way. */
const REMEMBER_MS = 60_000

/** How many purges are remembered, for entries that are being written meanwhile. */
const MAX_PURGES = 1_000

// The line at the beginning of a record; see `encode`.
const parts = `
local function partsOf(record)
  return string.match(record, '^(%S+) (%d+) (%d+) (%d+) (%d+)\\n(.*)$')
end
local function drop(record)
  local id, _, _, chunks = partsOf(record)
  for at = 0, tonumber(chunks or 0) - 1 do
    local chunk = KEYS[1] .. ':' .. id .. ':' .. at
    if redis.call('PTTL', chunk) > ${GRACE_MS} then redis.call('PEXPIRE', chunk, ${GRACE_MS}) end
  end
end
local function live(key, ttl)
  if redis.call('PTTL', key) < tonumber(ttl) then redis.call('PEXPIRE', key, ttl) end
end`

/**
 * What there is of a key, but for those entries of which a part of the body is gone: Redis may forget any key when it is full.
 *
 * KEYS: the entries of the key. Answers their records.
 */
export const lookUpScript: Script = new Script(`
${parts}
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return {} end
local found = {}
for _, record in ipairs(redis.call('HVALS', KEYS[1])) do
  local id, _, _, chunks = partsOf(record)
  local isWhole = id ~= nil
  for at = 0, tonumber(chunks or 0) - 1 do
    isWhole = isWhole and redis.call('EXISTS', KEYS[1] .. ':' .. id .. ':' .. at) == 1
    if not isWhole then break end
  end
  if isWhole then table.insert(found, record) end
end
return found
`)

/**
 * Enters a key into the index, unless that is full or a purge has hit it since the entry was opened.
 *
 * KEYS: all keys in order, all keys by their end, purges, how many there were, the sets of its tags. ARGV: the key, its end, the
 * time, how many purges there were when it was opened (-1: any), how many keys and keys of a tag there may be, the tags. Answers
 * whether it may be stored, since when as stale (0: not), and how many purges there were.
 */
export const enterScript: Script = new Script(`
local key, untilMs, now, since = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4])
local count = tonumber(redis.call('GET', KEYS[4]) or '0')
local no = { 0, 0, count }
local soft = 0
if since > count then return no end
if since >= 0 and since < count then
  local oldest = redis.call('ZRANGE', KEYS[3], 0, 0, 'WITHSCORES')
  if not oldest[2] or tonumber(oldest[2]) > since + 1 then return no end
  for _, purge in ipairs(redis.call('ZRANGEBYSCORE', KEYS[3], '(' .. since, '+inf')) do
    local softAt, kind, what = string.match(purge, '^%d+ (%d+) (%a)(.*)$')
    local isMeant = kind == 'a' or (kind == 'k' and what == key) or (kind == 'p' and string.sub(key, 1, #what) == what)
    if kind == 't' then for at = 7, #ARGV do isMeant = isMeant or ARGV[at] == what end end
    if isMeant and softAt == '0' then return no end
    if isMeant and soft == 0 then soft = tonumber(softAt) end
  end
end
for _, over in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', now, 'LIMIT', 0, 10)) do
  redis.call('ZREM', KEYS[1], over)
  redis.call('ZREM', KEYS[2], over)
end
if not redis.call('ZSCORE', KEYS[2], key) and redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[5]) then return no end
for at = 5, #KEYS do
  redis.call('ZREMRANGEBYSCORE', KEYS[at], '-inf', now)
  if not redis.call('ZSCORE', KEYS[at], key) and redis.call('ZCARD', KEYS[at]) >= tonumber(ARGV[6]) then return no end
end
local ttl = math.max(1, tonumber(untilMs) - tonumber(now))
local function enter(set, score)
  redis.call('ZADD', set, 'GT', score, key)
  if redis.call('PTTL', set) < ttl then redis.call('PEXPIRE', set, ttl) end
end
enter(KEYS[1], 0)
enter(KEYS[2], untilMs)
for at = 5, #KEYS do enter(KEYS[at], untilMs) end
return { 1, soft, count }
`)

/**
 * Makes an entry visible, if all of its body is there and nobody has purged its key meanwhile.
 *
 * KEYS: the entries of the key, the mark of its last purge, the chunks. ARGV: variant, record, milliseconds, how many variants,
 * the time, how many purges there were when it was entered. Answers whether it is stored.
 */
export const commitScript: Script = new Script(`
${parts}
local variant, record, ttl, max, now = ARGV[1], ARGV[2], ARGV[3], tonumber(ARGV[4]), tonumber(ARGV[5])
local mark = redis.call('GET', KEYS[2])
if mark and tonumber(mark) > tonumber(ARGV[6]) then return 0 end
for at = 3, #KEYS do if redis.call('EXISTS', KEYS[at]) == 0 then return 0 end end
local old = redis.call('HGET', KEYS[1], variant)
if old then drop(old) end
redis.call('HSET', KEYS[1], variant, record)
for at = 3, #KEYS do redis.call('PEXPIRE', KEYS[at], ttl) end
local all = redis.call('HGETALL', KEYS[1])
local others = {}
for at = 1, #all, 2 do
  local _, stored, untilMs = partsOf(all[at + 1])
  if not stored or tonumber(untilMs) <= now then
    drop(all[at + 1])
    redis.call('HDEL', KEYS[1], all[at])
  elseif all[at] ~= variant then
    table.insert(others, { all[at], tonumber(stored), all[at + 1] })
  end
end
table.sort(others, function(a, b) return a[2] < b[2] end)
for at = 1, #others - max + 1 do
  drop(others[at][3])
  redis.call('HDEL', KEYS[1], others[at][1])
end
live(KEYS[1], ttl)
return 1
`)

/**
 * Puts other meta data in place of those of an entry, if it is still there. What was purged softly since it was read stays so.
 *
 * KEYS: the entries of the key. ARGV: variant, id, record, milliseconds, since when it was stale when it was read.
 */
export const touchScript: Script = new Script(`
${parts}
local old = redis.call('HGET', KEYS[1], ARGV[1])
if not old then return 0 end
local id, stored, _, chunks, soft = partsOf(old)
if id ~= ARGV[2] then return 0 end
local _, _, untilMs, _, newSoft, json = partsOf(ARGV[3])
if soft ~= '0' and soft ~= ARGV[5] then newSoft = soft end
redis.call('HSET', KEYS[1], ARGV[1], table.concat({ id, stored, untilMs, chunks, newSoft }, ' ') .. '\\n' .. json)
live(KEYS[1], ARGV[4])
for at = 0, tonumber(chunks) - 1 do live(KEYS[1] .. ':' .. id .. ':' .. at, ARGV[4]) end
return 1
`)

/**
 * Notes a purge for entries that are being written. KEYS: purges, how many there were. ARGV: since when it is stale (0: it is
 * gone), what is purged. Answers its number.
 */
export const notePurgeScript: Script = new Script(`
local count = redis.call('INCR', KEYS[2])
redis.call('ZADD', KEYS[1], count, count .. ' ' .. ARGV[1] .. ' ' .. ARGV[2])
redis.call('ZREMRANGEBYRANK', KEYS[1], 0, -${MAX_PURGES + 1})
redis.call('PEXPIRE', KEYS[1], 3600000)
return count
`)

/**
 * Purges the entries of a key. KEYS: its entries, the mark of its last purge. ARGV: the number of the purge, since when they are
 * stale (0: they are gone), whether only those with a tag, the tag. Answers how many.
 */
export const purgeScript: Script = new Script(`
${parts}
redis.call('SET', KEYS[2], ARGV[1], 'PX', ${REMEMBER_MS})
if redis.call('TYPE', KEYS[1]).ok ~= 'hash' then return 0 end
local all = redis.call('HGETALL', KEYS[1])
local purged = 0
local function hasTag(json)
  local isJson, said = pcall(cjson.decode, json)
  if not isJson or type(said) ~= 'table' or type(said.meta) ~= 'table' or type(said.meta.tags) ~= 'table' then return true end
  for _, tag in ipairs(said.meta.tags) do if tag == ARGV[4] then return true end end
  return false
end
for at = 1, #all, 2 do
  local id, stored, untilMs, chunks, soft, json = partsOf(all[at + 1])
  if not id then
    redis.call('HDEL', KEYS[1], all[at])
  elseif ARGV[3] == '0' or hasTag(json) then
    purged = purged + 1
    if ARGV[2] == '0' then
      drop(all[at + 1])
      redis.call('HDEL', KEYS[1], all[at])
    elseif soft == '0' then
      redis.call('HSET', KEYS[1], all[at], table.concat({ id, stored, untilMs, chunks, ARGV[2] }, ' ') .. '\\n' .. json)
    end
  end
end
return purged
`)
