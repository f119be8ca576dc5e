import type { CacheOptions } from '@gatelet/cache'
import type { Question } from '../support/ask.ts'
import { start } from '../support/scene.ts'
import type { Fields, OriginAnswer } from '../support/scripted-origin.ts'

/**
 * Where the answer comes from:
 * - `origin`: it was asked, and what it said is what the client gets
 * - `store`: it was not asked
 * - `validated`: it was asked whether what is stored holds, said 304, and the client gets what is stored
 * - `refreshed`: the client gets what is stored, and the origin is asked afterwards
 * - `rescued`: it was asked and failed, and the client gets what is stored
 * - `nobody`: it was not asked, and nothing is stored: 504
 */
type Source = 'origin' | 'store' | 'validated' | 'refreshed' | 'rescued' | 'nobody'

/** One request, and what must become of it. */
export interface Step extends Question {
  readonly from: Source
  /** Seconds that pass before it. */
  readonly after?: number
  /** What the origin answers when it is asked. Default: what it answered last. */
  readonly answer?: OriginAnswer
  /** Which of the origin's answers the client gets the body of, from 1 on. Default: the last one with a body of its own. */
  readonly of?: number
  /** Default: what the origin's answer had; 200 for what is stored. */
  readonly status?: number
  /** The body that the client gets, where it is none of the origin's whole. */
  readonly text?: string
  /** What the body must look like, where chance has a part in it. */
  readonly matches?: RegExp
  /** How often the origin is asked, where it is more than once, and what it answers each time. */
  readonly asks?: number
  readonly answers?: readonly OriginAnswer[]
  /** Whether the client must see that the body is not whole. */
  readonly isBroken?: boolean
  /** The statuses that come before the answer. */
  readonly interim?: readonly number[]
  /** Fields that the client gets: a text, a pattern, or null for none. */
  readonly gets?: Expected
  /** Fields that the origin sees. */
  readonly sees?: Expected
}

export type Expected = Readonly<Record<string, string | RegExp | null>>

/** A rule, and how one sees that it is kept. */
export interface Row {
  /** `9111 §4.2.1`. */
  readonly section: string
  readonly level: 'MUST' | 'SHOULD' | 'MAY' | 'ours'
  readonly says: string
  readonly options?: Omit<CacheOptions, 'per'>
  readonly steps: readonly Step[]
}

type More = Omit<Step, 'from'>

/** The origin is asked, and answers with these fields; without them, as it did before. */
export const origin = (headers?: Fields, more: More = {}): Step => step('origin', headers, more)

export const store = (more: More = {}): Step => ({ from: 'store', ...more })

export const validated = (headers: Fields = {}, more: More = {}): Step =>
  step('validated', headers, { ...more, answer: { status: 304, ...more.answer } })

export const refreshed = (headers?: Fields, more: More = {}): Step => step('refreshed', headers, more)

/** The origin answers with this status, or breaks off. */
export const rescued = (failure: number | 'reset', more: More = {}): Step => ({
  from: 'rescued',
  ...more,
  answer: failure === 'reset' ? { breaksAfter: 0 } : { status: failure, ...more.answer },
})

export const nobody = (more: More = {}): Step => ({ from: 'nobody', status: 504, ...more })

function step(from: Source, headers: Fields | undefined, { answer, ...more }: More): Step {
  return headers || answer ? { from, ...more, answer: { ...answer, headers: headers ?? {} } } : { from, ...more }
}

/** Makes a row of a section. */
export const row = (section: string, level: Row['level'], says: string, ...steps: readonly Step[]): Row => ({
  ...{ section, level, says, steps },
})

/** The rows, with these options. */
export const under = (options: Omit<CacheOptions, 'per'>, ...rows: readonly Row[]): Row[] =>
  rows.map((each) => ({ ...each, options: { ...options, ...each.options } }))

/** A date so many seconds from then on, as HTTP writes it. */
export const at = (seconds: number): string => new Date(start + seconds * 1_000).toUTCString()

/** What these fields say lives for so many seconds and no longer. */
export const lives = (section: string, level: Row['level'], says: string, fields: Fields, seconds: number): Row =>
  row(section, level, says, origin(fields), store({ after: seconds - 1 }), origin(undefined, { after: 2 }))

/** What these fields come with is not reused. */
export const never = (section: string, level: Row['level'], says: string, fields: Fields, more: Partial<Step> = {}): Row =>
  row(section, level, says, origin(fields, more), origin(undefined, without(more)))

/** What these fields come with is reused. */
export const reused = (section: string, level: Row['level'], says: string, fields: Fields, more: Partial<Step> = {}): Row =>
  row(section, level, says, origin(fields, more), store({ ...without(more), status: more.answer?.status ?? 200 }))

const without = ({ answer: _, ...more }: Partial<Step>): Partial<Step> => more

/** The short way to write `Cache-Control`. */
export const cc = (value: string, fields: Fields = {}): Fields => ({ 'cache-control': value, ...fields })
