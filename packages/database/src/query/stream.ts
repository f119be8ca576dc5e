import { type Clock, type Context, discard, GatewayError, PushSource, type Source } from '@gatelet/core'
import type { Row, RowCursor } from '../database.ts'
import { type Opened, open } from '../in-transaction.ts'
import type { Job } from '../job.ts'
import type { Statement } from '../sql/compile.ts'
import { rowJson } from './rows-json.ts'

/** How rows are written one after another. */
export type StreamFormat = 'json' | 'ndjson'

/** How many rows are asked for at once, and how many may come in all. */
export interface StreamLimits {
  readonly batchRows: number
  readonly maxRows: number
}

/**
 * Rows as they come, in pieces of `batchRows`; no more is asked for while the client does not read, for `idleMs` at most. What goes
 * wrong before the first piece is thrown; after it, the body fails, so that nobody takes what was sent for the whole.
 */
export async function streamed<S extends object>(
  job: Job<S>,
  ctx: Context<S>,
  statement: Statement,
  format: StreamFormat,
  limits: StreamLimits,
): Promise<Source> {
  const opened = await open(job, ctx)
  try {
    const cursor = await opened.transaction.cursor(statement.text, statement.values)
    const first = await cursor.next(limits.batchRows)
    const stream = new RowStream(job, opened, cursor, first, format, limits)
    ctx.onFinish(() => discard(stream.source))
    return stream.source
  } catch (error) {
    const told = opened.release.reason(error)
    await opened.transaction.rollback()
    opened.release.undo()
    throw told
  }
}

class RowStream {
  readonly source: PushSource
  private readonly clock: Clock
  private readonly idleMs: number
  private readonly opened: Opened
  private readonly cursor: RowCursor
  private readonly format: StreamFormat
  private readonly limits: StreamLimits
  private coming: readonly Row[]
  private sent = 0
  private isPaused = false
  private isPumping = false
  private isClosed = false
  private stopWaiting = () => {}

  constructor(
    { clock, timeouts }: Pick<Job<{}>, 'clock' | 'timeouts'>,
    opened: Opened,
    cursor: RowCursor,
    first: readonly Row[],
    format: StreamFormat,
    limits: StreamLimits,
  ) {
    this.clock = clock
    this.idleMs = timeouts.idleMs
    this.opened = opened
    this.cursor = cursor
    this.coming = first
    this.format = format
    this.limits = limits
    this.source = new PushSource({
      start: () => void this.pump(),
      pause: () => {
        this.isPaused = true
      },
      resume: () => {
        this.isPaused = false
        void this.pump()
      },
      cancel: () => {
        this.opened.transaction.cancel()
        void this.close()
      },
    })
    this.waitForReader()
  }

  // Never rejects: what goes wrong is the body's end.
  private async pump(): Promise<void> {
    if (this.isPumping) return
    this.isPumping = true
    this.stopWaiting()
    try {
      while (!this.isPaused && !this.source.isOver) await this.step()
    } catch (error) {
      const told = this.opened.release.reason(error)
      await this.close()
      this.source.fail(told as Error)
    } finally {
      this.isPumping = false
      this.waitForReader()
    }
  }

  // Not left to the database: PGlite and SQLite have no such limit, and `pg` does not give back a connection that was closed under it.
  private waitForReader(): void {
    if (this.isClosed || this.source.isOver) return
    this.stopWaiting = this.clock.setTimer(() => {
      this.source.fail(new GatewayError('DATABASE_TIMEOUT', { message: `nobody read for ${this.idleMs} ms` }))
      void this.close()
    }, this.idleMs)
  }

  private async step(): Promise<void> {
    const rows = this.coming
    const isLast = rows.length < this.limits.batchRows
    if (this.sent + rows.length > this.limits.maxRows) {
      throw new GatewayError('RESPONSE_TOO_LARGE', { message: `the statement gives more than ${this.limits.maxRows} rows` })
    }
    const text = this.text(rows, isLast)
    this.sent += rows.length
    // What nobody reads any more is not fetched, and what is the end is told only when the transaction has ended well.
    if (isLast) await this.end(text)
    else {
      if (!this.source.push(Buffer.from(text))) this.isPaused = true
      this.coming = await this.cursor.next(this.limits.batchRows)
    }
  }

  private async end(text: string): Promise<void> {
    await this.opened.transaction.commit()
    this.opened.release.undo()
    this.isClosed = true
    if (text !== '') this.source.push(Buffer.from(text))
    this.source.end()
  }

  private text(rows: readonly Row[], isLast: boolean): string {
    const texts = rows.map(rowJson)
    if (this.format === 'ndjson') return texts.map((text) => `${text}\n`).join('')
    const before = this.sent === 0 ? '[' : rows.length > 0 ? ',' : ''
    return `${before}${texts.join(',\n')}${isLast ? ']' : ''}`
  }

  private async close(): Promise<void> {
    if (this.isClosed) return
    this.isClosed = true
    this.stopWaiting()
    await this.opened.transaction.rollback()
    this.opened.release.undo()
  }
}
