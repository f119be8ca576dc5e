import type { FamilySpec } from './family.ts'

/**
 * The name of a family in Prometheus, as OpenTelemetry's rules translate it: `http.server.request.duration` in `s` is
 * `http_server_request_duration_seconds`. So the same queries read what comes by way of a collector of OpenTelemetry.
 */
export function prometheusName({ name, unit, kind }: FamilySpec): string {
  const words = name.replaceAll('.', '_')
  const suffix = unit === '1' ? (kind === 'gauge' ? 'ratio' : undefined) : units.get(unit)
  const base = suffix === undefined || words.endsWith(`_${suffix}`) ? words : `${words}_${suffix}`
  return kind === 'counter' ? `${base}_total` : base
}

const units: ReadonlyMap<string, string> = new Map([
  ['s', 'seconds'],
  ['By', 'bytes'],
])

/** The name of a label in Prometheus. */
export function prometheusLabel(name: string): string {
  return name.replaceAll('.', '_')
}
