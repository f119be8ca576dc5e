export type {
  AuthView,
  CacheCountsView,
  CachesView,
  EndpointChangeView,
  EndpointsView,
  EndpointView,
  ErrorsView,
  ErrorView,
  ExplainView,
  LimitsView,
  OverviewPoint,
  OverviewView,
  RoutesView,
  RouteView,
  SessionView,
  TailRow,
} from './api/views.ts'
export type { Dashboard } from './dashboard.ts'
export { dashboard } from './dashboard.ts'
export type { Rates } from './figures/recent.ts'
export type {
  BalancerHandle,
  CacheHandle,
  EndpointHandle,
  ExplainRequest,
  PurgeWhat,
  RouteExplanation,
  RouterHandle,
} from './handles.ts'
export type { DashboardOptions, Wants } from './options.ts'
