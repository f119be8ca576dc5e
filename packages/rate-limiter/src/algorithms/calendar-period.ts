import type { CalendarRule } from '../store.ts'

const DAY_MS = 86_400_000

/**
 * When the day, week (from Monday) or month in UTC ends in which `date` lies.
 * @param date milliseconds since 1970
 */
export function endOfPeriod(unit: CalendarRule['unit'], date: number): number {
  const days = Math.floor(date / DAY_MS)
  if (unit === 'day') return (days + 1) * DAY_MS
  // Day 0 was a Thursday.
  if (unit === 'week') return (days + 7 - ((days + 3) % 7)) * DAY_MS
  const day = new Date(date)
  return Date.UTC(day.getUTCFullYear(), day.getUTCMonth() + 1, 1)
}
