export type { AddressRange } from './address.ts'
export { addressRanges, canonicalAddress, embeddedIpv4, isWithin, networkOf } from './address.ts'
export { amended, amendFailure } from './amend.ts'
export type { AttemptFields, ComingAttempt } from './attempt-fields.ts'
export { attemptFieldsOf, withAttemptFields, withFields } from './attempt-fields.ts'
export { attemptMsOf, withAttemptMs } from './attempt-time.ts'
export type {
  Ask,
  Balancer,
  Endpoint,
  ExclusionReason,
  Explanation,
  Lease,
  Outcome,
  PickContext,
  Refusal,
  Strategy,
  StrategyFactory,
  Target,
} from './balancing.ts'
export { isLease } from './balancing.ts'
export type { Body, BodyStep, Flow, Sink, Source } from './body.ts'
export { bytesOf, discard, isBody, lengthOf, readableOf, sourceOf, tee, transformed } from './body.ts'
export type { Chain, StateOf } from './chain.ts'
export { chain, partsOf } from './chain.ts'
export { withoutPort } from './claims.ts'
export type { ClientView, Connection, TrustedProxies } from './client.ts'
export { clientResolver, trustedProxies } from './client.ts'
export { clientCertificateOf } from './client-certificate.ts'
export type { Clock } from './clock.ts'
export { systemClock } from './clock.ts'
export type {
  Client,
  Context,
  Handler,
  IncomingRequest,
  MaybePromise,
  Middleware,
  Reply,
  RequestChange,
  RequestUrl,
  Summary,
} from './contract.ts'
export { atDrain, onDrain } from './draining.ts'
export type { ErrorCode, ErrorRow, GatewayErrorOptions, Side } from './errors.ts'
export { errorTable, GatewayError } from './errors.ts'
export type { EventFeed, EventSender, EventStreamOptions } from './event-stream.ts'
export { eventStream } from './event-stream.ts'
export type { EventMap } from './events.ts'
export { isHeard, publish, subscribe } from './events.ts'
export type { BodyBytes, ExchangeHost } from './exchange.ts'
export { Exchange, exchangeOf } from './exchange.ts'
export { GatheredBytes } from './gathered-bytes.ts'
export type { ReadonlyHeaders } from './headers.ts'
export { HeaderList, isNamed } from './headers.ts'
export { hearing } from './hearing.ts'
export { isHopByHop, nominated, withoutNominated } from './hop-by-hop.ts'
export { guarded } from './listeners.ts'
export type { Check, Checks } from './options.ts'
export * as options from './options.ts'
export { checkOptions } from './options.ts'
export type { Pem } from './pem.ts'
export { isPemFile, pem, readPem } from './pem.ts'
export { atOnce, isPromise } from './promise.ts'
export type { ProxiedConnection, ProxyHeader } from './proxy-protocol.ts'
export { proxyHeader, readProxyHeader } from './proxy-protocol.ts'
export type { Producer } from './push-source.ts'
export { PushSource } from './push-source.ts'
export { refusalError } from './refusal.ts'
export type { ProblemInit, ReplyInit } from './reply.ts'
export { empty, json, problem, problemOf, text } from './reply.ts'
export { hasToken, originalOf } from './request.ts'
export { requestBytes } from './request-bytes.ts'
export type { Layer } from './run.ts'
export { failure, handlerOf, notFound, run } from './run.ts'
export type { ServerEvent } from './server-event.ts'
export { encodeEvent } from './server-event.ts'
export type { SchemaInput, SchemaIssue, SchemaOutput, SchemaResult, StandardSchema } from './standard-schema.ts'
export { schemaCheck } from './standard-schema.ts'
export { stopReason } from './stopped.ts'
export { wantsStrictPaths, withStrictPaths } from './strict-paths.ts'
export type { CanonicalHost, CanonicalTarget, PathOptions } from './target.ts'
export { canonicalize, canonicalizeHost, canonicalizeLeniently, canonicalizePath } from './target.ts'
export { isToken } from './token.ts'
export { switchProtocols } from './upgrade.ts'
export type { UpstreamTls, UpstreamTlsOptions } from './upstream-tls.ts'
export { upstreamTls, upstreamTlsChecks } from './upstream-tls.ts'
