import { type EventMap, subscribe } from '@gatelet/core'
import { combinedLine, jsonLine } from './lines.ts'
import { NoteTaker } from './notes.ts'
import { type AccessLogOptions, type AccessLogSettings, accessLogSettings } from './options.ts'
import { type AccessRecord, recordOf, unreadableRecord } from './record.ts'

/** A log of requests, until it is closed. */
export interface AccessLog {
  close(): void
}

/**
 * Tells of each request once it is over, of those that broke off too, and of what was none: who asked what, what the answer was, how long it took, and
 * what the modules on the way did. It listens to the events of core, for all gateways of this process. A sink that throws is a
 * warning of the process, and never the request's concern; one that blocks holds up the process like any other code.
 * @throws GatewayError `BAD_OPTION`
 * @example accessLog({ logger: pino() })
 * @example accessLog({ format: 'combined', sample: 0.1 })
 */
export function accessLog(given: AccessLogOptions = {}): AccessLog {
  const settings = accessLogSettings(given)
  const notes = new NoteTaker()
  const tell = settings.logger ? byLogger(settings.logger) : byLine(settings)
  const hear = (record: AccessRecord) => {
    if (isTold(record, settings)) tell(record)
  }
  const undo = [
    subscribe('request:finished', (event) => {
      if (isClients(event)) hear(recordOf(event, notes.of(event.context), settings))
    }),
    subscribe('request:unreadable', (event) => hear(unreadableRecord(event, settings))),
  ]
  return {
    close() {
      for (const each of undo) each()
      notes.close()
    },
  }
}

// Work in the background and calls of our own have no client, and no status.
const isClients = ({ summary }: EventMap['request:finished']): boolean => summary.status !== 0

const isFailed = ({ status, outcome }: AccessRecord): boolean => status >= 500 || outcome === 'failed'

function isTold(record: AccessRecord, { sample, clock }: AccessLogSettings): boolean {
  if (typeof sample === 'function') return sample(record)
  return sample === 1 || isFailed(record) || clock.random() < sample
}

function byLine({ write, format }: AccessLogSettings): (record: AccessRecord) => void {
  return format === 'json' ? (record) => write(jsonLine(record)) : (record) => write(combinedLine(record))
}

function byLogger(logger: NonNullable<AccessLogSettings['logger']>): (record: AccessRecord) => void {
  return (record) => {
    const message = `${record.method} ${record.route ?? record.path} ${record.status}`
    if (isFailed(record)) logger.error(record, message)
    else if (record.outcome === 'aborted') logger.warn(record, message)
    else logger.info(record, message)
  }
}
