import { type Body, type Clock, type Context, discard, GatewayError, isPromise, type Reply, stopReason } from '@gatelet/core'
import { answerJson } from './answer-json.ts'
import { fieldAt, isObject } from './fields.ts'
import type { JsonValue } from './part.ts'
import { partContext } from './part-context.ts'
import { type Template, templateFrom } from './part-request.ts'
import type { PartSettings } from './part-settings.ts'

/** What a part gave. */
export interface Answer {
  /** Null where there is nothing. */
  readonly value: unknown
  /** It answered 404 or 410. */
  readonly isAbsent: boolean
  readonly method: string
  readonly headers: Reply['headers'] | undefined
}

/**
 * Asks one part and reads its answer, until `life` is over or its time is. Whatever it answers later is dropped.
 * @throws GatewayError why it was stopped; whatever went wrong
 */
export async function askPart(life: Context, settings: PartSettings, earlier: object, clock: Clock): Promise<Answer> {
  const ctx = life.withDeadline(clock.now() + settings.timeoutMs)
  const call = new PartCall(ctx, settings)
  let undo = () => {}
  const stopped = new Promise<never>((_, reject) => {
    undo = ctx.onAbort(() => {
      call.stop()
      reject(stopReason(ctx))
    })
  })
  try {
    return await Promise.race([stopped, call.answer(earlier)])
  } finally {
    undo()
  }
}

class PartCall {
  private readonly ctx: Context
  private readonly settings: PartSettings
  private body: Body = null
  private isStopped = false

  constructor(ctx: Context, settings: PartSettings) {
    this.ctx = ctx
    this.settings = settings
  }

  stop(): void {
    this.isStopped = true
    discard(this.body)
  }

  async answer(earlier: object): Promise<Answer> {
    const { ctx, settings } = this
    const { request } = settings
    const asked = typeof request === 'function' ? templateFrom(await request(ctx, earlier)) : request
    const reply = await this.replyTo(asked)
    const { method } = asked
    if (reply === undefined) return { value: null, isAbsent: true, method, headers: undefined }
    const { headers } = reply
    if (isGone(reply.status)) {
      discard(reply.body)
      return { value: null, isAbsent: true, method, headers }
    }
    const value = await settings.read(targetOf(await answerJson(reply, settings.maxBytes), settings))
    if (settings.group === false && !isObject(value)) throw new TypeError('it is no object, whose fields could go into the reply')
    return { value, isAbsent: false, method, headers }
  }

  /** Undefined where a function said by an error that nothing is there. */
  private async replyTo(asked: Template): Promise<Reply | undefined> {
    if (this.isStopped) throw stopReason(this.ctx)
    const reply = await found(() => this.settings.from(partContext(this.ctx, this.settings, asked)))
    if (!reply) return undefined
    this.body = reply.body
    if (!this.isStopped) return reply
    discard(reply.body)
    throw stopReason(this.ctx)
  }
}

async function found(ask: () => Reply | Promise<Reply>): Promise<Reply | undefined> {
  try {
    const reply = ask()
    return isPromise(reply) ? await reply : reply
  } catch (error) {
    if (error instanceof GatewayError && isGone(error.status)) return undefined
    throw error
  }
}

const isGone = (status: number): boolean => status === 404 || status === 410

function targetOf(value: JsonValue, { target }: PartSettings): JsonValue {
  const found = target ? fieldAt(value, target) : value
  if (found === undefined) throw new TypeError(`it has nothing at ${target?.join('.')}`)
  return found
}
