export type { AuthOptions, Claims, JwtOptions, Policy, Principal, Verifier } from '@gatelet/auth'
export { auth, jwt, scope } from '@gatelet/auth'
export type { BalancerOptions, EjectionOptions, EndpointInit, EndpointView, ManagedBalancer } from '@gatelet/balancer'
export { createBalancer } from '@gatelet/balancer'
export type { CacheOptions, CacheStore } from '@gatelet/cache'
export { cache, memoryCacheStore } from '@gatelet/cache'
export type {
  Balancer,
  Body,
  Chain,
  Clock,
  Context,
  Endpoint,
  ErrorCode,
  Handler,
  IncomingRequest,
  Layer,
  Lease,
  Middleware,
  Outcome,
  PickContext,
  ReadonlyHeaders,
  Refusal,
  Reply,
  StateOf,
  Strategy,
  StrategyFactory,
  Summary,
} from '@gatelet/core'
export { chain, empty, GatewayError, HeaderList, json, problem, text } from '@gatelet/core'
export type { AttachOptions, CloseOptions, RunningServer, ServeOptions } from '@gatelet/node'
export { attach, readiness, serve } from '@gatelet/node'
export type { ProxyOptions, ProxyTimeouts } from '@gatelet/proxy'
export { proxy } from '@gatelet/proxy'
export type { RateLimitOptions } from '@gatelet/rate-limiter'
export { rateLimit } from '@gatelet/rate-limiter'
export type { Router, RouterOptions, RouteState } from '@gatelet/router'
export { createRouter, stripPrefix } from '@gatelet/router'
export type { Gateway } from './gateway.ts'
export { createGateway } from './gateway.ts'
export type { GatewayLayer, GatewayOptions, GatewayRouteOptions, RouteLayer, UpstreamOptions } from './options.ts'
