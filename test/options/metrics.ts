import { serverTiming, trace } from '@gatelet/metrics'
import type { Subject } from './subjects.ts'

/** The options of `@gatelet/metrics`. */
export const metricSubjects: Readonly<Record<string, Subject>> = {
  TraceOptions: {
    through: trace,
    bad: { accept: 'all', sample: 2, api: {}, query: 'yes', attributes: {}, clock: {} },
  },
  ServerTimingOptions: { through: serverTiming, bad: { clock: {} } },
}
