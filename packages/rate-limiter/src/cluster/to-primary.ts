import type { RateRequest, RateVerdict } from '../store.ts'
import { type Ask, isAnswer } from './message.ts'

interface Waiting {
  resolve(verdicts: readonly RateVerdict[]): void
  reject(error: Error): void
}

/** Beyond, the oldest is given up: a primary that does not answer must not have a worker remember more and more. */
const MAX_WAITING = 10_000

const waiting = new Map<number, Waiting>()
let asked = 0

/** Asks the primary. @throws Error when it cannot be asked, or says that it cannot answer */
export function toPrimary(what: Ask['what'], requests: readonly RateRequest[]): Promise<readonly RateVerdict[]> {
  return new Promise((resolve, reject) => {
    if (waiting.size >= MAX_WAITING) giveUpOldest()
    // One listener of the process for all stores, as long as somebody waits.
    if (waiting.size === 0) process.on('message', hear)
    const id = asked++
    waiting.set(id, { resolve, reject })
    const ask: Ask = { gatelet: 'rate-ask', id, what, requests }
    // With a call-back, so that a primary that has just gone is no 'error' of the process.
    process.send?.(ask, undefined, undefined, (error) => {
      if (error) ended(id)?.reject(error)
    })
  })
}

function hear(message: unknown): void {
  if (!isAnswer(message)) return
  const { id, verdicts = [], error } = message
  const asker = ended(id)
  if (error === undefined) asker?.resolve(verdicts)
  else asker?.reject(new Error(error))
}

function giveUpOldest(): void {
  for (const id of waiting.keys()) {
    ended(id)?.reject(new Error(`${MAX_WAITING} others wait for an answer`))
    return
  }
}

function ended(id: number): Waiting | undefined {
  const asker = waiting.get(id)
  if (waiting.delete(id) && waiting.size === 0) process.off('message', hear)
  return asker
}
