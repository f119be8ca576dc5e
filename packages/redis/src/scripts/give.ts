import { calendarEnd, keep, serverTime } from './parts.ts'
import { Script } from './script.ts'

/**
 * Gives back what was taken, or takes more without asking.
 *
 * KEYS: one for each request, all different. ARGV: the same number, see `Encoder`. The arithmetic is that of `RateRule`.
 */
export const giveScript: Script = new Script(`
${serverTime}
${calendarEnd}
${keep}
local states = redis.call('MGET', unpack(KEYS))
for i, key in ipairs(KEYS) do
  local stamp, kind, unit, cost = string.match(ARGV[i], '^(%S*) (%a) (%S+) %S+ (.*)$')
  local x = tonumber(unit)
  stamp = tonumber(stamp)
  if kind == 'n' then redis.call('ZREM', key, cost)
  else
    cost = tonumber(cost)
    local a, b, c
    if states[i] then
      a, b, c = string.match(states[i], '^(%S+) (%S+) ?(%S*)$')
      a, b, c = tonumber(a), tonumber(b), tonumber(c)
    end
    local value, ttl
    if kind == 'g' then
      b = a and math.max(0, b - math.max(0, now - a)) or 0
      if cost > 0 then b = b - math.min(cost * x, math.max(0, (stamp or now + b) - now))
      else b = b - cost * x end
      value, ttl = string.format('%.17g %.17g', now, b), b
    elseif kind == 's' then
      local start = math.floor(now / x) * x
      if not a or a < start - x then a, b, c = start, 0, 0
      elseif a < start then a, b, c = start, 0, b end
      if cost < 0 or not stamp or stamp == a then b = math.max(0, b - cost)
      elseif stamp == a - x then c = math.max(0, c - cost) end
      value, ttl = string.format('%.17g %.17g %.17g', a, b, c), b + c > 0 and a + 2 * x - now or 0
    else
      local isOpen = a and now < a and b > 0
      if cost < 0 and not isOpen then a, b = kind == 'f' and now + x or calendarEnd(unit), -cost
      elseif isOpen and (cost < 0 or not stamp or stamp == a) then b = math.max(0, b - cost)
      elseif not isOpen then a, b = now, 0 end
      value, ttl = string.format('%.17g %.17g', a, b), b > 0 and a - now or 0
    end
    -- What says nothing more than no key at all is no key.
    if ttl > 0 then keep(key, value, ttl)
    elseif a then redis.call('DEL', key) end
  end
end
return 1
`)
