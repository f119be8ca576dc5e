import type { Clock, Context, MaybePromise } from '@gatelet/core'
import { type Asked, type Asker, give } from '../asking.ts'
import type { WaitOptions } from '../options.ts'
import type { RateRequest } from '../store.ts'
import { Delay } from './delay.ts'
import { Lines } from './line.ts'
import { WaitingRoom } from './waiting-room.ts'

/** What happens to requests that are over a limit, where they are not refused at once. */
export class Waiting {
  private readonly asker: Asker
  private readonly lines: Lines | undefined
  private readonly delay: Delay

  constructor(mode: 'queue' | 'delay', asker: Asker, wait: WaitOptions, clock: Clock) {
    const room = new WaitingRoom(wait, clock)
    this.asker = asker
    this.lines = mode === 'queue' ? new Lines(room) : undefined
    this.delay = new Delay(asker, room)
  }

  ask(ctx: Context<never>, requests: readonly RateRequest[]): MaybePromise<Asked> {
    if (!this.lines) return this.delay.ask(ctx, lineOf(requests), requests)
    return this.lines.ask(ctx, lineOf(requests), {
      ask: () => this.asker.ask(requests),
      undo: ({ store, verdicts }) =>
        void give(
          store,
          requests.map((request, at) => ({ ...request, stamp: verdicts[at]?.stamp })),
        ),
    })
  }

  /** Something was given back that somebody may wait for who asks for the same. */
  nudge(requests: readonly RateRequest[]): void {
    this.lines?.nudge(lineOf(requests))
  }
}

/** Who stands in one line: requests that ask the same rules about the same keys. A refusal of one is one of all. */
function lineOf(requests: readonly RateRequest[]): string {
  return requests.map(({ rule, key }) => `${rule.name}\n${key}`).join('\n')
}
