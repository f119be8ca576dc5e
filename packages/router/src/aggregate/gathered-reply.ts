import { type Context, GatewayError, HeaderList, json, type Reply } from '@gatelet/core'
import { addVary } from '../filters/vary.ts'
import { combinedCaching } from './caching.ts'
import { merged, type Placed } from './layout.ts'
import type { Answer } from './part-call.ts'
import type { PartSettings } from './part-settings.ts'
import type { Plan, PlannedPart } from './plan.ts'

type Answers = ReadonlyMap<PartSettings, Answer | undefined>

/**
 * The reply of the parts that answered.
 * @throws GatewayError `PART_FAILED` when none did; TypeError when `read` made of one what JSON has not
 */
export function gathered(ctx: Context, plan: Plan, answers: Answers): Reply {
  const whole = wholeOf(plan, answers)
  const missing = plan.shown.filter(({ settings }) => !whole.has(settings))
  if (plan.shown.every(({ settings }) => answers.get(settings) === undefined)) {
    throw new GatewayError('PART_FAILED', { detail: 'It was every part', message: 'every part failed' })
  }
  const reply = json(merged(plan.shown.flatMap((part) => placed(part, answers.get(part.settings)))))
  const { headers } = reply
  headers.set('gatelet-completed', missing.length === 0 ? '?1' : '?0')
  if (missing.length > 0) headers.set('gatelet-missing', missing.map(({ name }) => name).join(', '))
  addHeaders(headers, plan, answers)
  const mayBeStored = missing.length === 0 && !headers.has('set-cookie')
  headers.set('cache-control', mayBeStored ? cachingOf(ctx, answers) : 'no-store')
  return reply
}

/** The parts that answered, are not marked as incomplete by who made them, and were asked with nothing of one that is. */
function wholeOf({ all }: Plan, answers: Answers): ReadonlySet<PartSettings> {
  const whole = new Set<PartSettings>()
  // Each stands behind those that it needs.
  for (const { settings } of all) {
    if (!isMarked(answers.get(settings)) && settings.after.every(([, earlier]) => whole.has(earlier))) whole.add(settings)
  }
  return whole
}

const isMarked = (answer: Answer | undefined): boolean =>
  answer === undefined || answer.headers?.get('gatelet-completed')?.trim().startsWith('?0') === true

function placed({ path, settings }: PlannedPart, answer: Answer | undefined): Placed[] {
  if (!answer || (answer.isAbsent && !path)) return []
  return [{ path, value: settings.reshape(answer.value) ?? null }]
}

function addHeaders(to: HeaderList, { all }: Plan, answers: Answers): void {
  for (const { settings } of all) {
    const headers = answers.get(settings)?.headers
    if (!headers) continue
    addVary(to, ...listed(headers.getAll('vary')))
    if (settings.setCookies) for (const cookie of headers.getSetCookie()) to.append('set-cookie', cookie)
  }
}

const listed = (values: readonly string[]) => values.flatMap((value) => value.match(/[^\s,]+/g) ?? [])

function cachingOf(ctx: Context, answers: Answers): string {
  const { headers } = ctx.request
  const all = [...answers.values()]
  // What another method brought is not what the next client would get.
  if (all.some((answer) => answer?.method !== 'GET')) return 'no-store'
  const said = all.map((answer) => answer?.headers ?? new HeaderList())
  return combinedCaching(said, headers.has('authorization') || headers.has('cookie'))
}
