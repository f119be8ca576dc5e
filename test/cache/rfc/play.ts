import { expect } from 'vitest'
import { ask, type Got } from '../support/ask.ts'
import { asked, pass, type Scene, scene } from '../support/scene.ts'
import type { OriginAnswer, ScriptedOrigin } from '../support/scripted-origin.ts'
import type { Expected, Row, Step } from './row.ts'

/** Plays the requests of a row, and holds each to what it must get. */
export async function play({ options = {}, steps }: Row): Promise<void> {
  await using at = await scene({ cache: options })
  let answer: OriginAnswer = {}
  for (const [index, step] of steps.entries()) {
    await pass(at.clock, step.after ?? 0)
    answer = step.answer ?? answer
    await playStep(at, step, answer, `request ${index + 1}`)
  }
}

async function playStep(at: Scene, step: Step, answer: OriginAnswer, which: string): Promise<void> {
  const { origin, url } = at
  const before = origin.seen.length
  origin.answerWith((_request, count) => step.answers?.[count - before - 1] ?? answer)
  const got = await ask(url, step)
  if (step.from === 'refreshed') await asked(at, before + 1)
  const news = origin.seen.slice(before)
  // The proxy asks once more where it met a connection that closes.
  const isBroken = answer.breaksAfter === 0 && news.length === 2
  if (!isBroken) expect(news.length, `${which}: how often the origin was asked`).toBe(step.asks ?? asks[step.from])
  if (step.from === 'validated') expect(isConditional(news[0]?.headers), `${which}: asks whether what is stored holds`).toBe(true)
  const isMade = step.from === 'origin'
  expect(got.status, `${which}: status`).toBe(step.status ?? (isMade ? (answer.status ?? 200) : 200))
  holds(got.headers, step.gets, `${which}: the client gets`)
  holds(news[0]?.headers ?? {}, step.sees, `${which}: the origin sees`)
  if (step.interim)
    expect(
      got.interim.map(({ status }) => status),
      `${which}: before the answer`,
    ).toEqual(step.interim)
  expect(got.isWhole, `${which}: the body is whole`).toBe(!step.isBroken)
  checkBody(at, step, got, which)
}

const asks = { origin: 1, store: 0, validated: 1, refreshed: 1, rescued: 1, nobody: 0 } as const

function checkBody({ origin }: Scene, step: Step, got: Got, which: string): void {
  if (step.from === 'nobody' || step.method === 'HEAD' || got.status === 304) return
  const body = got.body.toString('latin1')
  const last = step.of ?? lastBody(origin, step)
  if (step.matches) expect(body, `${which}: body`).toMatch(step.matches)
  else expect(body, `${which}: body`).toBe(step.text ?? origin.bodyOf(last).toString('latin1'))
}

// What the client gets from the store is older than what came in this step.
function lastBody(origin: ScriptedOrigin, { from }: Step): number {
  if (from === 'origin') return origin.seen.length
  let count = origin.seen.length - (from === 'refreshed' || from === 'rescued' ? 1 : 0)
  while (count > 1 && origin.bodyOf(count).length === 0) count--
  return count
}

function isConditional(headers: Got['headers'] = {}): boolean {
  return 'if-none-match' in headers || 'if-modified-since' in headers
}

function holds(headers: Got['headers'], expected: Expected = {}, what: string): void {
  for (const [name, value] of Object.entries(expected)) {
    const found = [headers[name] ?? []].flat().join(', ')
    if (value === null) expect(headers[name], `${what} no ${name}`).toBeUndefined()
    else if (typeof value === 'string') expect(found, `${what} ${name}`).toBe(value)
    else expect(found, `${what} ${name}`).toMatch(value)
  }
}
