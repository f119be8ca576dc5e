import { type Check, checkOptions, GatewayError, options } from '@gatelet/core'
import { checkPlaces } from './layout.ts'
import { type PartsByName, settingsOf } from './part.ts'
import type { PartSettings } from './part-settings.ts'

/** One part of one aggregate. */
export interface PlannedPart {
  readonly name: string
  readonly settings: PartSettings
  /** Where it stands in the reply; undefined: its fields go into the reply itself. */
  readonly path: readonly string[] | undefined
}

/** All parts of an aggregate. */
export interface Plan {
  /** Also those that are there for others only; each behind those that it needs. */
  readonly all: readonly PlannedPart[]
  /** Those that are in the reply, in the order in which they were given. */
  readonly shown: readonly PlannedPart[]
}

// More than this for one request is a flood that a client starts with one line.
const MAX_PARTS = 32

/** @throws GatewayError `BAD_OPTION` */
export function planOf(given: PartsByName): Plan {
  const { parts } = checkOptions<{ parts: Named }>('aggregate', { parts: given }, { parts: named })
  const shown = Object.entries(parts).map(([name, settings]) => planned(name, settings))
  const byPart = new Map(shown.map((part) => [part.settings, part]))
  const all = new Map<PartSettings, PlannedPart>()
  const add = (name: string, settings: PartSettings): void => {
    if (all.has(settings)) return
    for (const [earlierName, earlier] of settings.after) add(earlierName, earlier)
    all.set(settings, byPart.get(settings) ?? planned(name, settings))
  }
  for (const { name, settings } of shown) add(name, settings)
  if (all.size > MAX_PARTS) throw tooMany(all.size)
  checkPlaces(shown.map(({ name, path, settings }) => ({ name, path, fields: settings.fields })))
  return { all: [...all.values()], shown }
}

type Named = Readonly<Record<string, PartSettings>>

function planned(name: string, settings: PartSettings): PlannedPart {
  return { name, settings, path: settings.group === false ? undefined : (settings.group ?? [name]) }
}

const made: Check<PartSettings> = (value, path) => {
  const settings = settingsOf(value)
  if (!settings) throw options.wrong(value, path, 'made by part()')
  return settings
}

// They stand in a header field, too, where they are tokens of a list (RFC 9651 §3.3.4).
const named: Check<Named> = (value, path) => {
  const parts = options.record(made)(value, path)
  const names = Object.keys(parts)
  if (names.length === 0) throw options.wrong(value, path, 'at least one part')
  for (const name of names) {
    if (!/^[A-Za-z][\w-]{0,63}$/.test(name)) throw options.wrong(name, path, 'parts whose names are letters, digits, _ and -')
  }
  const twice = names.find((name, at) => names.findIndex((other) => parts[other] === parts[name]) < at)
  if (twice !== undefined) throw options.wrong(twice, path, 'parts that each stand there once')
  return parts
}

function tooMany(count: number): GatewayError {
  const message = `aggregate: parts must be at most ${MAX_PARTS}, with those that others need (got ${count})`
  return new GatewayError('BAD_OPTION', { path: 'parts', message })
}
