import { type Clock, type Context, GatewayError, problem, publish, type Reply, stopReason } from '@gatelet/core'
import { gathered } from './gathered-reply.ts'
import { type Answer, askPart } from './part-call.ts'
import type { PartSettings } from './part-settings.ts'
import type { Plan, PlannedPart } from './plan.ts'

/** Asks the parts of one request. It is over when all have answered, or when one has decided what the reply is. */
export class Gathering {
  private readonly ctx: Context
  private readonly plan: Plan
  private readonly clock: Clock
  /** Ends the parts, and nothing else of the request. */
  private readonly parts = new AbortController()
  private readonly answers = new Map<PartSettings, Promise<Answer | undefined>>()
  private readonly decided: Promise<Reply>
  private resolve: (reply: Reply) => void = () => {}
  private reject: (error: GatewayError) => void = () => {}
  private isOver = false

  constructor(ctx: Context, plan: Plan, clock: Clock) {
    this.ctx = ctx
    this.plan = plan
    this.clock = clock
    this.decided = new Promise((resolve, reject) => {
      this.resolve = resolve
      this.reject = reject
    })
  }

  async reply(): Promise<Reply> {
    const { ctx, plan, answers } = this
    const undo = ctx.onAbort(() => this.decide(stopReason(ctx)))
    const life = ctx.withSignal(this.parts.signal)
    // Those that others need come first, so that each finds the promises of its earlier ones.
    for (const part of plan.all) answers.set(part.settings, this.answerOf(part, life))
    void Promise.all(answers.values()).then((all) => this.whole(all))
    try {
      return await this.decided
    } finally {
      undo()
    }
  }

  private whole(all: readonly (Answer | undefined)[]): void {
    if (this.isOver) return
    const answers = new Map(this.plan.all.map(({ settings }, at) => [settings, all[at]]))
    try {
      this.isOver = true
      this.resolve(gathered(this.ctx, this.plan, answers))
    } catch (error) {
      this.reject(error as GatewayError)
    }
  }

  /** Undefined for a part that is missing. Never rejects. */
  private async answerOf(part: PlannedPart, life: Context): Promise<Answer | undefined> {
    const { settings } = part
    try {
      const earlier = await this.earlierOf(settings)
      const answer = earlier ? await askPart(life, settings, earlier, this.clock) : nothing
      if (answer.isAbsent && settings.notFound === 'pass') this.decide(problem(new GatewayError('NOT_FOUND')))
      if (answer.isAbsent && settings.notFound === 'fail' && earlier) throw new TypeError('it answered that nothing is there')
      return answer
    } catch (error) {
      this.failed(part, error)
      return undefined
    }
  }

  /** Undefined where one of them answered that nothing is there: then nothing is behind it. @throws when one is missing */
  private async earlierOf({ after }: PartSettings): Promise<object | undefined> {
    const answers = await Promise.all(after.map(([, earlier]) => this.answers.get(earlier)))
    const missing = after.find((_, at) => answers[at] === undefined)
    if (missing) throw new TypeError(`it was not asked: ${missing[0]} is missing`)
    if (answers.some((answer) => answer?.isAbsent)) return undefined
    return Object.fromEntries(after.map(([name], at) => [name, answers[at]?.value]))
  }

  private failed({ name, settings }: PlannedPart, cause: unknown): void {
    // Cancelled, since another one has decided.
    if (this.isOver) return
    publish('part:failed', { context: this.ctx, part: name, error: cause })
    if (settings.isOptional) return
    const detail = `It was the part ${name}`
    this.decide(new GatewayError('PART_FAILED', { detail, message: `part ${name}: ${messageOf(cause)}`, cause }))
  }

  /** The first call counts. Parts that are under way are cancelled. */
  private decide(end: Reply | GatewayError): void {
    if (this.isOver) return
    this.isOver = true
    if (end instanceof GatewayError) this.reject(end)
    else this.resolve(end)
    this.parts.abort(new GatewayError('CLIENT_CLOSED', { message: 'another part has decided the reply' }))
  }
}

const nothing: Answer = { value: null, isAbsent: true, method: 'GET', headers: undefined }

const messageOf = (error: unknown) => (error instanceof Error ? error.message : String(error))
