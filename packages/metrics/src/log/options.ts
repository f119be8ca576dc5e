import { type Checks, type Clock, checkOptions, options, systemClock } from '@gatelet/core'
import type { AccessRecord } from './record.ts'

/** What takes records, as pino does. */
export interface LoggerLike {
  info(record: object, message?: string): void
  warn(record: object, message?: string): void
  error(record: object, message?: string): void
}

/** Where requests are told of, and how. */
export interface AccessLogOptions {
  /** Takes records: a logger such as `pino()`. Answers of 500 and above are errors, what clients break off is a warning. */
  logger?: LoggerLike
  /** Takes lines, with their end: `(line) => stream.write(line)`. Default, where there is no `logger`: the standard output. */
  write?: (line: string) => void
  /** How lines look: JSON, or the combined format of Apache and nginx. Default `json`. */
  format?: 'json' | 'combined'
  /**
   * Which part of the requests is told of, 0 to 1, or a function that says it of each. With a number, errors (500 and above, and what
   * broke off) are always told of. Default 1.
   */
  sample?: number | ((record: AccessRecord) => boolean)
  /** Whether the query is told, without what is known to open something. Default false: it may hold tokens. */
  query?: boolean
  /** Whether the page that a request came from is told, without its query. Default true. */
  referer?: boolean
  /** Request fields that are told, too, at most 50. Those that hold credentials come as `[redacted]`. Default: none. */
  headers?: readonly string[]
  /** Where time and chance come from. */
  clock?: Clock
}

/** Checked, and every default filled in. */
export interface AccessLogSettings {
  readonly logger: LoggerLike | undefined
  readonly write: (line: string) => void
  readonly format: 'json' | 'combined'
  readonly sample: number | ((record: AccessRecord) => boolean)
  readonly query: boolean
  readonly referer: boolean
  readonly headers: readonly string[]
  readonly clock: Clock
}

const { boolean, either, fn, list, number, oneOf, optional, token, wrong } = options

const logger: options.Check<LoggerLike> = (value, path) => {
  const has = (name: string) => typeof (value as Record<string, unknown> | null | undefined)?.[name] === 'function'
  if (!['info', 'warn', 'error'].every(has)) throw wrong(value, path, 'a logger with info, warn and error, such as pino()')
  return value as LoggerLike
}

const checks: Checks<AccessLogOptions> = {
  logger: optional(logger),
  write: optional(fn<(line: string) => void>('a function of a line')),
  format: optional(oneOf('json', 'combined')),
  sample: optional(
    either(
      'a number from 0 to 1, or a function of a record',
      number({ min: 0, max: 1 }),
      fn<(record: AccessRecord) => boolean>(),
    ),
  ),
  query: optional(boolean),
  referer: optional(boolean),
  headers: optional(list(token('x-tenant'), { max: 50 })),
  clock: optional(options.clock),
}

/** @throws GatewayError `BAD_OPTION` */
export function accessLogSettings(given: AccessLogOptions): AccessLogSettings {
  const { logger, headers = [], ...checked } = checkOptions('accessLog', given, checks)
  return {
    write: toOutput,
    format: 'json',
    sample: 1,
    query: false,
    referer: true,
    clock: systemClock,
    ...checked,
    logger,
    headers: headers.map((name) => name.toLowerCase()),
  }
}

function toOutput(line: string): void {
  const { stdout } = process
  stdout.write(line, (error) => {
    // Whoever reads it has gone: as for the console, that is no reason for the process to end. This is told before the event.
    if (error && !stdout.listeners('error').includes(ignored)) stdout.on('error', ignored)
  })
}

const ignored = () => {}
