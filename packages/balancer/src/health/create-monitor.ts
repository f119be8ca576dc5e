import { callProbe } from './call-probe.ts'
import { grpcProbe } from './grpc-probe.ts'
import { httpProbe } from './http-probe.ts'
import { Monitor, type MonitorInit } from './monitor.ts'
import { type HealthOptions, timingRules } from './options.ts'
import type { ProbeFactory } from './probe.ts'
import { tcpProbe } from './tcp-probe.ts'

/** Makes the monitor that these options describe. */
export function createMonitor(options: HealthOptions, init: Pick<MonitorInit, 'clock' | 'onResult'>): Monitor {
  return new Monitor({ ...init, rules: timingRules(options), probe: probeOf(options) })
}

function probeOf(options: HealthOptions): ProbeFactory {
  switch (options.type) {
    case 'tcp':
      return tcpProbe(options)
    case 'grpc':
      return grpcProbe(options)
    case 'call':
      return callProbe(options.check)
    default:
      return httpProbe(options)
  }
}
