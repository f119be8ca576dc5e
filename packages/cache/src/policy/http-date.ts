const months = 'JanFebMarAprMayJunJulAugSepOctNovDec'
const month = '(?<month>Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)'
const time = '(?<hour>[0-9]{2}):(?<minute>[0-9]{2}):(?<second>[0-9]{2})'
const day = '(?<day>[0-9]{2})'

// RFC 9110 §5.6.7, letter for letter: the one that is sent, and the two that must be understood.
const formats = [
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ${day} ${month} (?<year>[0-9]{4}) ${time} GMT$`),
  new RegExp(`^(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, ${day}-${month}-(?<year>[0-9]{2}) ${time} GMT$`),
  new RegExp(`^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${month} (?<day>[0-9]{2}| [0-9]) ${time} (?<year>[0-9]{4})$`),
]

/**
 * Reads a date of HTTP strictly (RFC 9110 §5.6.7).
 * @param now wall-clock milliseconds: a year of two digits that seems more than 50 years ahead of it is of the past
 * @returns wall-clock milliseconds, or undefined for what is no such date
 */
export function parseHttpDate(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined
  for (const format of formats) {
    const parts = format.exec(text)?.groups
    if (parts) return timeOf(parts, now)
  }
  return undefined
}

/** Writes a date of HTTP (IMF-fixdate). */
export function httpDate(ms: number): string {
  return new Date(ms).toUTCString()
}

function timeOf(parts: Readonly<Record<string, string>>, now: number): number | undefined {
  const [year = 0, day = 0, hour = 0, minute = 0, second = 0] = ['year', 'day', 'hour', 'minute', 'second'].map((name) =>
    Number(parts[name]),
  )
  const date = new Date(0)
  // Not `Date.UTC`, which takes the years 0 to 99 for those of the last century.
  date.setUTCFullYear(parts['year']?.length === 2 ? century(year, now) : year, months.indexOf(parts['month'] ?? '') / 3, day)
  // A leap second is there, and 31 February is not.
  if (date.getUTCDate() !== day || hour > 23 || minute > 59 || second > 60) return undefined
  return date.setUTCHours(hour, minute, second)
}

function century(year: number, now: number): number {
  const current = new Date(now).getUTCFullYear()
  const guess = current - (current % 100) + year
  return guess > current + 50 ? guess - 100 : guess
}
