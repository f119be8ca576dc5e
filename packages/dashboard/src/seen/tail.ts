import { type Clock, eventStream, GatewayError, type Reply } from '@gatelet/core'
import type { TailRow } from '../api/views.ts'

const BATCH_MS = 250
const MAX_ROWS = 25
const MAX_BUFFERED_BYTES = 65_536

interface Reader {
  rows: TailRow[]
  skipped: number
}

/**
 * Requests as they end, to those who look on. A reader gets at most 25 rows each quarter of a second, and is told how many
 * more there were; one that leaves 64 KiB unread is dropped.
 */
export class Tail {
  private readonly readers = new Set<Reader>()
  private readonly clock: Clock
  private readonly maxReaders: number

  constructor(clock: Clock, maxReaders: number) {
    this.clock = clock
    this.maxReaders = maxReaders
  }

  get isRead(): boolean {
    return this.readers.size > 0
  }

  add(row: TailRow): void {
    for (const reader of this.readers) {
      if (reader.rows.length < MAX_ROWS) reader.rows.push(row)
      else reader.skipped++
    }
  }

  /** @throws GatewayError `OVERLOADED` where there are too many readers */
  open(onDrain: (end: () => void) => () => void): Reply {
    if (this.readers.size >= this.maxReaders)
      throw new GatewayError('OVERLOADED', { detail: `${this.maxReaders} readers look on already` })
    const { clock } = this
    return eventStream(
      (events) => {
        const reader: Reader = { rows: [], skipped: 0 }
        let stop = () => {}
        const beat = () => {
          const { rows, skipped } = reader
          reader.rows = []
          reader.skipped = 0
          if (rows.length > 0) events.send({ event: 'rows', data: { rows, skipped } })
          if (events.isOpen) stop = clock.setTimer(beat, BATCH_MS)
        }
        this.readers.add(reader)
        const undoDrain = onDrain(() => events.end())
        events.send({ event: 'open', data: {} })
        beat()
        return () => {
          stop()
          undoDrain()
          this.readers.delete(reader)
        }
      },
      { maxBufferedBytes: MAX_BUFFERED_BYTES, heartbeatMs: 10_000, retryMs: 2_000, clock },
    )
  }
}
