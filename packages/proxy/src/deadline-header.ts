/**
 * A flat list of header fields with the time that is left for the answer, in place of what the client said; the shorter of the
 * two counts. Whole milliseconds, or as gRPC writes it where the field is `grpc-timeout`.
 * @param leftMs at least 1 is sent
 */
export function withDeadline(headers: readonly string[], name: string, leftMs: number): string[] {
  const isGrpc = name.toLowerCase() === 'grpc-timeout'
  const kept: string[] = []
  let ms = Math.max(1, Math.floor(leftMs))
  for (let i = 0; i < headers.length; i += 2) {
    const field = headers[i] as string
    const value = headers[i + 1] as string
    if (field.toLowerCase() !== name.toLowerCase()) kept.push(field, value)
    else ms = Math.min(ms, (isGrpc ? grpcMs(value) : plainMs(value)) ?? ms)
  }
  kept.push(name, isGrpc ? grpcTimeout(ms) : String(ms))
  return kept
}

const plainMs = (value: string): number | undefined => (/^\d{1,12}$/.test(value) ? Math.max(1, Number(value)) : undefined)

// gRPC over HTTP/2, "Timeout": at most eight digits and a unit.
function grpcMs(value: string): number | undefined {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(value) ?? []
  return digits === undefined
    ? undefined
    : Math.max(1, Math.floor(Number(digits) * (units[unit as keyof typeof units] as number)))
}

const units = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 }

const grpcTimeout = (ms: number): string => (ms < 100_000_000 ? `${ms}m` : `${Math.min(99_999_999, Math.floor(ms / 1_000))}S`)
