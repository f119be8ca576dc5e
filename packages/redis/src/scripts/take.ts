import { calendarEnd, keep, serverTime, TOLERANCE } from './parts.ts'
import { Script } from './script.ts'

/**
 * One decision over any number of rules: looks at all, then writes all or nothing.
 *
 * KEYS: one for each request, all different. ARGV: the same number, see `Encoder`. Answers one text of numbers: the time, and
 * for each request whether its rule has what was asked for, and its state as it is then; see `verdictsIn`.
 * The arithmetic is that of `RateRule`, in microseconds; numbers are written with 17 digits, so that none loses anything.
 */
export const takeScript: Script = new Script(`
${serverTime}
${calendarEnd}
${keep}
local states = redis.call('MGET', unpack(KEYS))
local all = true
local asked = {}
for i, key in ipairs(KEYS) do
  local kind, unit, limit, cost = string.match(ARGV[i], '^(%a) (%S+) (%S+) (.*)$')
  local x = tonumber(unit)
  local a, b, c
  if states[i] then
    a, b, c = string.match(states[i], '^(%S+) (%S+) ?(%S*)$')
    a, b, c = tonumber(a), tonumber(b), tonumber(c)
  end
  local used
  if kind == 'g' then
    cost = tonumber(cost)
    -- Of a server whose clock was set back, what has refilled meanwhile is not known: nothing has.
    if a and a > now then redis.call('SET', key, string.format('%.17g %.17g', now, b), 'KEEPTTL') end
    b = a and math.max(0, b - math.max(0, now - a)) or 0
    used = b / x
  elseif kind == 'n' then
    redis.call('ZREMRANGEBYSCORE', key, '-inf', now)
    a = redis.call('ZCARD', key)
    b = redis.call('ZSCORE', key, cost)
    used = b and -1 or a
  elseif kind == 's' then
    cost = tonumber(cost)
    local start = math.floor(now / x) * x
    if not a or a < start - x then a, b, c = start, 0, 0
    elseif a < start then a, b, c = start, 0, b end
    used = b + c * (1 - math.max(0, now - a) / x)
  else
    cost = tonumber(cost)
    -- A window of which everything was given back is as good as none.
    if not a or now >= a or b <= 0 then a, b = kind == 'f' and now + x or calendarEnd(unit), 0 end
    used = b
  end
  local allowed = used + (kind == 'n' and 1 or cost) <= tonumber(limit) + ${TOLERANCE}
  all = all and allowed
  asked[i] = { kind, x, cost, a, b, c, allowed }
end

local out = { string.format('%.17g', now) }
for i, key in ipairs(KEYS) do
  local kind, x, cost, a, b, c, allowed = unpack(asked[i], 1, 7)
  if kind == 'n' then
    if all then
      redis.call('ZADD', key, now + x, cost)
      if redis.call('PTTL', key) < x / 1000 then redis.call('PEXPIRE', key, math.ceil(x / 1000)) end
      if not b then a = a + 1 end
    end
    out[i + 1] = string.format('%d %d', allowed and 1 or 0, a)
  else
    local value, ttl
    if kind == 'g' then
      if all then b = b + cost * x end
      value, ttl = string.format('%.17g %.17g', now, b), b
      out[i + 1] = string.format('%d %.17g', allowed and 1 or 0, b)
    elseif kind == 's' then
      if all then b = b + cost end
      value, ttl = string.format('%.17g %.17g %.17g', a, b, c), a + 2 * x - now
      out[i + 1] = string.format('%d %s', allowed and 1 or 0, value)
    else
      if all then b = b + cost end
      value, ttl = string.format('%.17g %.17g', a, b), a - now
      out[i + 1] = string.format('%d %s', allowed and 1 or 0, value)
    end
    if all and cost > 0 then keep(key, value, ttl) end
  end
end
return table.concat(out, ' ')
`)
