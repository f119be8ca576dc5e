export type {
  CalendarRule,
  ConcurrencyRule,
  GcraRule,
  RateRequest,
  RateRule,
  RateStore,
  RateVerdict,
  WindowRule,
} from './store.ts'
