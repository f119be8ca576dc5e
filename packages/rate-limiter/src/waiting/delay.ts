import { type Context, isPromise, type MaybePromise } from '@gatelet/core'
import { type Asked, type Asker, give, isTaken } from '../asking.ts'
import type { GcraRule, RateRequest, RateVerdict } from '../store.ts'
import type { WaitingRoom } from './waiting-room.ts'

/**
 * Lets requests pass late that are over a limit of `gcra`. They are counted as if the burst were larger, by as much as refills
 * while they may wait; what was taken of that is the wait. So they leave evenly spaced, in the order in which they were
 * counted, also those of many processes with one store.
 */
export class Delay {
  private readonly asker: Asker
  private readonly room: WaitingRoom

  constructor(asker: Asker, room: WaitingRoom) {
    this.asker = asker
    this.room = room
  }

  ask(ctx: Context<never>, key: string, requests: readonly RateRequest[]): MaybePromise<Asked> {
    const late = requests.map((request) => this.allowingLate(request))
    const asked = this.asker.ask(late)
    return isPromise(asked)
      ? asked.then((found) => this.judged(ctx, key, requests, late, found))
      : this.judged(ctx, key, requests, late, asked)
  }

  private allowingLate(request: RateRequest): RateRequest {
    const { rule } = request
    if (rule.algorithm !== 'gcra') return request
    return { ...request, rule: { ...rule, burst: rule.burst + Math.ceil(this.room.maxMs / interval(rule)) } }
  }

  private judged(
    ctx: Context<never>,
    key: string,
    requests: readonly RateRequest[],
    late: readonly RateRequest[],
    asked: Asked,
  ): MaybePromise<Asked> {
    if (asked.verdicts.length === 0) return asked
    const aheads = asked.verdicts.map((verdict, at) => aheadMs(late[at] as RateRequest, verdict))
    const verdicts = asked.verdicts.map((verdict, at) => onTime(requests[at] as RateRequest, verdict, aheads[at] as number))
    const found = { ...asked, verdicts }
    if (!isTaken(found)) return found
    const delayMs = Math.max(...requests.map((request, at) => overMs(request, aheads[at] as number)))
    if (delayMs <= 0) return found
    const undo = () =>
      give(
        asked.store,
        requests.map((request, at) => ({ ...request, stamp: asked.verdicts[at]?.stamp })),
      )
    const refusal = refused(requests, found, aheads)
    if (delayMs <= this.room.patience(ctx) && this.room.enter(key)) {
      const turn = { ...found, verdicts: verdicts.map((verdict) => after(verdict, delayMs)) }
      return this.waited(ctx, key, delayMs, turn, () => {
        void undo()
        return { ...refusal, hasLeft: true }
      })
    }
    const undone = undo()
    return isPromise(undone) ? undone.then(() => refusal) : refusal
  }

  private waited(ctx: Context<never>, key: string, delayMs: number, turn: Asked, left: () => Asked): Promise<Asked> {
    return new Promise((resolve) => {
      const over = (asked: Asked) => {
        cancel()
        forget()
        this.room.leave(key)
        resolve(asked)
      }
      const cancel = this.room.clock.setTimer(() => over(turn), Math.ceil(delayMs))
      const forget = ctx.onAbort(() => over(left()))
    })
  }
}

function interval({ windowMs, limit }: GcraRule): number {
  return windowMs / limit
}

/** How far ahead of the clock a count of `gcra` is, from what is told of it. */
function aheadMs({ rule }: RateRequest, { remaining, resetMs }: RateVerdict): number {
  if (rule.algorithm !== 'gcra' || remaining >= rule.burst) return 0
  return resetMs - (remaining + 1 - rule.burst) * interval(rule)
}

/** How long it takes until what was taken is within the burst. */
function overMs({ rule }: RateRequest, ahead: number): number {
  return rule.algorithm === 'gcra' ? ahead - rule.burst * interval(rule) : 0
}

/** The verdict of the rule as it is, from that of the rule with a larger burst. */
function onTime({ rule }: RateRequest, verdict: RateVerdict, ahead: number): RateVerdict {
  if (rule.algorithm !== 'gcra') return verdict
  const left = rule.burst - ahead / interval(rule)
  const remaining = Math.max(0, Math.floor(left + 0.001))
  return { ...verdict, remaining, resetMs: remaining >= rule.burst ? 0 : ahead + (remaining + 1 - rule.burst) * interval(rule) }
}

/** A verdict as it has become by waiting. */
function after(verdict: RateVerdict, ms: number): RateVerdict {
  return { ...verdict, resetMs: Math.max(0, verdict.resetMs - ms) }
}

/** What is told to who would be too late, or finds no room: when it would pass on time. */
function refused(requests: readonly RateRequest[], found: Asked, aheads: readonly number[]): Asked {
  const verdicts = found.verdicts.map((verdict, at): RateVerdict => {
    const over = overMs(requests[at] as RateRequest, aheads[at] as number)
    return over > 0 ? { ...verdict, allowed: false, retryAfterMs: over } : verdict
  })
  return { ...found, verdicts }
}
