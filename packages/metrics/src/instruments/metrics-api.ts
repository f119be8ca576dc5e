import type { Labels } from './family.ts'

/** The part of `@opentelemetry/api` (1.4 or later) that is used: give the module itself. */
export interface MetricsApi {
  readonly metrics: { getMeter(name: string, version?: string): MeterLike }
}

export interface MeterLike {
  createHistogram(name: string, options?: InstrumentOptions): { record(value: number, attributes?: Labels): void }
  createObservableCounter(name: string, options?: InstrumentOptions): ObservableLike
  createObservableUpDownCounter(name: string, options?: InstrumentOptions): ObservableLike
  createObservableGauge(name: string, options?: InstrumentOptions): ObservableLike
}

interface InstrumentOptions {
  description?: string
  unit?: string
  advice?: { explicitBucketBoundaries?: number[] }
}

interface ObservableLike {
  addCallback(callback: (result: ObserverLike) => void): void
  removeCallback(callback: (result: ObserverLike) => void): void
}

export interface ObserverLike {
  observe(value: number, attributes?: Labels): void
}
