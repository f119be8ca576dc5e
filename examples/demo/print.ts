import type { Seen } from './load.ts'
import { total } from './load.ts'

const isTerminal = process.stdout.isTTY && process.env['NO_COLOR'] === undefined
const coloured = (code: number) => (text: string) => (isTerminal ? `\x1b[${code}m${text}\x1b[0m` : text)

export const bold: (text: string) => string = coloured(1)
export const dim: (text: string) => string = coloured(2)
const green = coloured(32)
const red = coloured(31)

export function line(text = ''): void {
  process.stdout.write(`${text}\n`)
}

export function good(text: string): void {
  line(`   ${green('✓')} ${text}`)
}

export function bad(text: string): void {
  line(`   ${red('✗')} ${text}`)
}

/** Who answered how many, as bars. */
export function bars(answered: Seen['answered']): void {
  const most = Math.max(1, ...Object.values(answered))
  for (const [origin, count] of Object.entries(answered).sort()) {
    line(`     ${origin}  ${'█'.repeat(Math.max(1, Math.round((count / most) * 40))).padEnd(40)} ${String(count).padStart(5)}`)
  }
}

/** `600 requests, 0 failed, slowest 41 ms` */
export function summary({ sent, failed, slowestMs }: Seen): string {
  const reasons = Object.entries(failed).map(([reason, count]) => `${count} × ${reason}`)
  const why = reasons.length > 0 ? ` (${reasons.join(', ')})` : ''
  return `${sent} requests, ${total(failed)} failed${why}, slowest ${Math.round(slowestMs)} ms`
}
