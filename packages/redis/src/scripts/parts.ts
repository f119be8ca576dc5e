/** Rounding must never refuse what a rule allows: a thousandth of a unit. */
export const TOLERANCE = 0.001

/**
 * `now`: the server's time in microseconds since 2023-11-14T22:13:20Z. Counted from 1970, a double would keep a quarter of a
 * microsecond; so it keeps a thirtieth for some years, and whole ones for ever.
 */
export const serverTime = `
local clock = redis.call('TIME')
local now = (clock[1] - 1700000000) * 1000000 + clock[2]`

/**
 * `keep(key, value, ttl)`: so many microseconds. Of more than some thousand years, as large debts and bursts may need, Redis takes
 * no time to live.
 */
export const keep = `
local function keep(key, value, ttl)
  redis.call('SET', key, value, 'PX', math.min(math.ceil(ttl / 1000), 1e14))
end`

/** `calendarEnd(unit)`: when the day, week or month ends in which `now` lies, in UTC. */
export const calendarEnd = `
local function calendarEnd(unit)
  local days = math.floor((now / 1000000 + 1700000000) / 86400)
  local left = 1
  if unit == 'week' then left = 7 - (days + 3) % 7
  elseif unit == 'month' then
    -- Years that begin in March have their odd day last, and months that follow a rule: 153 days in each five.
    local day = (days + 719468) % 146097
    local year = math.floor((day - math.floor(day / 1460) + math.floor(day / 36524) - math.floor(day / 146096)) / 365)
    local dayOfYear = day - (365 * year + math.floor(year / 4) - math.floor(year / 100))
    local month = math.floor((5 * dayOfYear + 2) / 153)
    local isLeap = (year + 1) % 4 == 0 and ((year + 1) % 100 ~= 0 or (year + 1) % 400 == 0)
    local nextStart = month < 11 and math.floor((153 * (month + 1) + 2) / 5) or (isLeap and 366 or 365)
    left = nextStart - dayOfYear
  end
  return ((days + left) * 86400 - 1700000000) * 1000000
end`
