const units = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 0.001, n: 0.000_001 }

/**
 * Milliseconds that a `grpc-timeout` allows (gRPC over HTTP/2, "Timeout": at most eight digits and a unit); undefined for none,
 * and for what is no such value.
 */
export function timeoutMsIn(value: string | undefined): number | undefined {
  const [, digits, unit] = /^(\d{1,8})([HMSmun])$/.exec(value ?? '') ?? []
  return digits === undefined ? undefined : Number(digits) * units[unit as keyof typeof units]
}

/** A `grpc-timeout`. @param ms at least 1 is said */
export function timeoutText(ms: number): string {
  const whole = Math.max(1, Math.floor(ms))
  return whole < 100_000_000 ? `${whole}m` : `${Math.min(99_999_999, Math.floor(whole / 1_000))}S`
}
