import { eventStream } from '@gatelet/core'
import type { Subject } from './subjects.ts'

/** Options of what turns one protocol into another. */
export const translateSubjects: Readonly<Record<string, Subject>> = {
  EventStreamOptions: {
    through: (options) => eventStream(() => {}, options),
    bad: { heartbeatMs: 0, retryMs: 0.5, headers: ['x'], maxBufferedBytes: 0, clock: Date },
  },
}
