import { createServer } from 'node:http'
import { absent, auth } from '@gatelet/auth'
import {
  boundedLoad,
  byClientAddress,
  consul,
  createBalancer,
  dns,
  dnsSrv,
  fromIterable,
  kubernetes,
  loadShedder,
  maglev,
  peakEwma,
  rendezvous,
  ringHash,
  shareAcrossWorkers,
  watchedFile,
} from '@gatelet/balancer'
import { toFetch } from '@gatelet/fetch'
import { attach, serve } from '@gatelet/node'
import { balancedFetch, mirror, proxy, tcpBalancer } from '@gatelet/proxy'
import {
  addressList,
  compress,
  cors,
  createRouter,
  maintenance,
  redirect,
  requestHeaders,
  requestId,
  requestLimits,
  responseHeaders,
  rewrite,
  securityHeaders,
  split,
  timeout,
  validate,
  versions,
} from '@gatelet/router'
import {
  call,
  describeAdapter,
  describeMiddleware,
  describeStrategy,
  exchange,
  origins,
  rawRequest,
  type SimulateOptions,
  simulate,
  virtualClock,
} from '@gatelet/testing'
import { createGateway } from 'gatelet'

/** How one interface of options is put to the test. */
export interface Subject {
  /** Gives options to the function that takes them. */
  readonly through: (options: never) => unknown
  /** Where they stand in what that function takes, when they are given inside of others. */
  readonly at?: string
  /** Options that must be there. */
  readonly good?: object
  /** At least one bad value for each option. Those of an object without a name of its own: `'cookies.domain'`. */
  readonly bad: Readonly<Record<string, unknown>>
}

const endpoints = ['http://127.0.0.1:9']
const resolving = { servers: ['x'], timeoutMs: 0, tries: 11, family: 5, minTtlMs: 0, maxTtlMs: '1h', maxRetryMs: -1 }
const speaking = { scheme: 'ftp', path: 'v1' }
const never = () => {}
const trusting = { trustedProxies: { proxies: 1 } }
const adapting = {
  trustedProxies: ['10.0.0.0/33'],
  'trustedProxies.proxies': -1,
  'trustedProxies.header': 'x-real-ip',
  paths: '//',
  clock: {},
}

async function closing(options: never): Promise<void> {
  await using server = await serve(never as never, { host: '127.0.0.1', port: 0 })
  await server.close(options)
}

async function closingTcp(options: never): Promise<void> {
  await using server = await tcpBalancer(createBalancer({ endpoints }), { host: '127.0.0.1' })
  await server.close(options)
}

const versionsBy = (by: never) => versions({ by, versions: { '1': never as never } })

const simulated: SimulateOptions = {
  endpoints: 1,
  arrivals: [0],
  serviceTimes: { meanMs: 1 },
  strategy: () => ({ update() {}, pick: () => undefined }),
}

const timing = {
  intervalMs: 9,
  failingIntervalMs: '1s',
  idleIntervalMs: 0,
  timeoutMs: 0,
  jitter: 2,
  rise: 0,
  fall: 1.5,
  assume: 'up',
  concurrency: 0,
}

/** A bad value for every option of every interface that users can write. */
export const subjects: Readonly<Record<string, Subject>> = {
  BoundedLoadOptions: { through: (options) => boundedLoad(rendezvous, options), bad: { factor: 1 } },
  ClientAddressOptions: { through: byClientAddress, bad: { ipv6Prefix: 0 } },
  MaglevOptions: { through: maglev, bad: { tableSize: 65_536 } },
  PeakEwmaOptions: { through: peakEwma, bad: { decayMs: 0, penaltyMs: '5s' } },
  RingHashOptions: { through: ringHash, bad: { pointsPerWeight: 0 } },
  BalancerOptions: {
    through: createBalancer,
    good: { endpoints },
    bad: {
      endpoints: 'http://127.0.0.1:9',
      discovery: 'dns',
      strategy: 'fastest',
      ejection: true,
      health: '/healthz',
      hashKey: 'ip',
      limits: 10,
      queue: true,
      shed: () => true,
      priority: 1,
      overprovisioning: 0.5,
      panicThreshold: 50,
      zone: 'a',
      subset: 'v2',
      aperture: 20,
      slowStart: true,
      affinity: 'session',
      explainShare: 5,
      drainMs: -1,
      name: '',
      clock: Date,
    },
  },
  UrlEndpoint: {
    through: (endpoint) => createBalancer({ endpoints: [endpoint] }),
    at: 'endpoints[0]',
    good: { url: 'http://127.0.0.1:9' },
    bad: { url: '127.0.0.1:9', id: 7, weight: -1, priority: -1, maxInflight: 0, zone: '', metadata: 'eu', socketPath: '' },
  },
  HandlerEndpoint: {
    through: (endpoint) => createBalancer({ endpoints: [endpoint] }),
    at: 'endpoints[0]',
    good: { handler: never, id: 'a' },
    bad: { handler: 'http://127.0.0.1:9', id: undefined, weight: '1', priority: -1, maxInflight: 1.5, zone: '', metadata: [] },
  },
  LimitOptions: {
    through: (limits) => createBalancer({ endpoints, limits }),
    at: 'limits',
    bad: { perEndpoint: 0, total: 1.5, adaptive: 'vegas' },
  },
  AdaptiveOptions: {
    through: (adaptive) => createBalancer({ endpoints, limits: { adaptive } }),
    at: 'limits.adaptive',
    good: { algorithm: 'gradient' },
    bad: { algorithm: 'vegas', initial: 1, min: 0, max: 4.5, timeoutMs: 0, tolerance: 0.5 },
  },
  QueueOptions: {
    through: (queue) => createBalancer({ endpoints, queue }),
    at: 'queue',
    good: { size: 10 },
    bad: { size: 0, timeoutMs: 0, order: 'lifo', whileNoneHealthy: 'yes' },
  },
  ValueEndpoint: {
    through: (endpoint) => createBalancer({ endpoints: [endpoint] }),
    at: 'endpoints[0]',
    good: { value: 1, id: 'a' },
    bad: { value: undefined, id: '', weight: '1', priority: -1, maxInflight: 0, zone: '', metadata: [] },
  },
  LoadShedderOptions: {
    through: (options) => loadShedder(options),
    bad: { eventLoopDelayMs: 0, intervalMs: 0, priority: 1, delay: 5, clock: {} },
  },
  RunOptions: {
    through: (options) => createBalancer({ endpoints }).run(never, options),
    bad: { hashKey: 7, priority: 'high', signal: {}, timeoutMs: 0, retries: 11, isFailure: true },
  },
  EjectionOptions: {
    through: (ejection) => createBalancer({ endpoints, ejection }),
    at: 'ejection',
    bad: {
      consecutiveFailures: 0,
      consecutiveGatewayFailures: 0,
      failureRate: 0.5,
      outliers: true,
      windowMs: 99,
      baseMs: 0,
      maxMs: 'long',
      jitter: 2,
      maxShare: 1.5,
      probes: -1,
      endedByCheck: 'yes',
      failFast: 1,
    },
  },
  HttpCheckOptions: {
    through: (health) => createBalancer({ endpoints, health }),
    at: 'health',
    good: { path: '/' },
    bad: {
      ...timing,
      type: 'https',
      path: 'healthz',
      method: 'POST',
      host: 'a\nb',
      headers: { 'a b': 'c' },
      status: [600],
      body: '',
      maxBodyBytes: 0,
      port: 0,
      tls: true,
      keepAlive: 1,
    },
  },
  TcpCheckOptions: {
    through: (health) => createBalancer({ endpoints, health }),
    at: 'health',
    good: { type: 'tcp' },
    bad: { ...timing, type: 'udp', send: '', expect: 1, port: 65_536, tls: false },
  },
  GrpcCheckOptions: {
    through: (health) => createBalancer({ endpoints, health }),
    at: 'health',
    good: { type: 'grpc' },
    bad: { ...timing, type: 1, service: null, host: 7, port: '80', tls: 'yes' },
  },
  CallCheckOptions: {
    through: (health) => createBalancer({ endpoints, health }),
    at: 'health',
    good: { type: 'call', check: () => true },
    bad: { ...timing, type: '', check: true },
  },
  CheckTls: {
    through: (tls) => createBalancer({ endpoints, health: { path: '/', tls } }),
    at: 'health.tls',
    bad: { ca: [], cert: 1, key: '', passphrase: '', servername: 1, rejectUnauthorized: 0 },
  },
  FailureRateOptions: {
    through: (failureRate) => createBalancer({ endpoints, ejection: { failureRate } }),
    at: 'ejection.failureRate',
    bad: { threshold: 0, minRequests: 0 },
  },
  OutlierOptions: {
    through: (outliers) => createBalancer({ endpoints, ejection: { outliers } }),
    at: 'ejection.outliers',
    bad: { stdevs: 0, margin: -1, minEndpoints: 2, minRequests: 1.5 },
  },
  DiscoveryOptions: {
    through: (discovery) => createBalancer({ endpoints, discovery }),
    at: 'discovery',
    bad: { onEmpty: 'drop', maxEndpoints: 0, coalesceMs: 60_001 },
  },
  DnsOptions: { through: (options) => dns('a.test', options), bad: { ...resolving, ...speaking, port: 0 } },
  DnsSrvOptions: { through: (options) => dnsSrv('_http._tcp.a.test', options), bad: { ...resolving, ...speaking, refreshMs: 0 } },
  WatchedFileOptions: { through: (options) => watchedFile('x.json', options), bad: { pollMs: 0 } },
  IterableOptions: { through: (options) => fromIterable(never as never, options), bad: { name: '', maxRetryMs: 0 } },
  ConsulOptions: {
    through: (options) => consul('a', options),
    bad: {
      ...speaking,
      address: '127.0.0.1:8500',
      token: '',
      tags: 'v1',
      onlyPassing: 'yes',
      filter: '',
      datacenter: 1,
      near: '',
      namespace: '',
      waitMs: 10,
      maxRetryMs: 0,
      ca: '',
    },
  },
  KubernetesOptions: {
    through: (options) => kubernetes('a', options),
    good: { server: 'http://127.0.0.1:9' },
    bad: {
      ...speaking,
      namespace: '',
      port: 70_000,
      family: 'IPv4',
      serviceAccount: '',
      server: '127.0.0.1',
      token: 7,
      ca: '',
      watchMs: 1,
      maxRetryMs: 0,
    },
  },
  AffinityOptions: {
    through: (affinity) => createBalancer({ endpoints, affinity }),
    at: 'affinity',
    good: { cookie: 'session', secret: 'a secret of the test' },
    bad: {
      cookie: 'a b',
      header: 'x-session:',
      secret: 'short',
      mode: 'plain',
      whileDown: 'move',
      maxAgeS: 0,
      sameSite: 'Lax',
      secure: 'yes',
      httpOnly: 0,
      path: 'app',
    },
  },
  ZoneOptions: {
    through: (zone) => createBalancer({ endpoints, zone }),
    at: 'zone',
    good: { local: 'a' },
    bad: { local: '', gateways: [3], minEndpoints: 0 },
  },
  SubsetOptions: {
    through: (subset) => createBalancer({ endpoints, subset }),
    at: 'subset',
    good: { match: never },
    bad: { match: { version: 'v2' }, fallback: 'all', max: 0 },
  },
  ApertureOptions: {
    through: (aperture) => createBalancer({ endpoints, aperture }),
    at: 'aperture',
    good: { size: 20, instance: 0 },
    bad: { size: 0, instance: 'gateway-0' },
  },
  SlowStartOptions: {
    through: (slowStart) => createBalancer({ endpoints, slowStart }),
    at: 'slowStart',
    good: { windowMs: 1_000 },
    bad: { windowMs: 0, minWeight: 0, aggression: 11 },
  },
  EjectOptions: {
    through: (options) => createBalancer({ endpoints: [{ url: 'http://127.0.0.1:9', id: 'a' }] }).eject('a', options),
    bad: { forMs: -1, reason: '' },
  },
  ShareOptions: {
    through: (options) => shareAcrossWorkers(createBalancer({ endpoints }), options),
    bad: { name: '', channel: {}, checks: 'none', heartbeatMs: 1, clock: Date },
  },
  DrainOptions: {
    through: (options) => createBalancer({ endpoints: [{ url: 'http://127.0.0.1:9', id: 'a' }] }).drain('a', options),
    bad: { deadlineMs: Number.POSITIVE_INFINITY },
  },
  ProxyOptions: {
    through: (options) => proxy('http://127.0.0.1:9', options),
    bad: {
      host: 'a b',
      forwarded: 'yes',
      via: 'a b',
      rewriteLocation: 'no',
      cookies: [],
      'cookies.domain': 'example.com',
      'cookies.path': { '/': 1 },
      timeouts: 1_000,
      retries: 11,
      hedge: {},
      deadlineHeader: 'host',
      maxRequestBytes: 0,
      maxResponseBytes: 0.5,
      connections: 0,
      maxQueued: 1.5,
      queueMs: 0,
      keepAliveMs: -1,
      tls: true,
      http2: 'h2c',
      addresses: 'public',
      clock: {},
    },
  },
  UpstreamTlsOptions: {
    through: (tls) => proxy('http://127.0.0.1:9', { tls }),
    at: 'tls',
    bad: { ca: [], cert: 7, key: '', passphrase: '', servername: 7, minVersion: 'TLSv1', rejectUnauthorized: 'no' },
  },
  AddressOptions: {
    through: (addresses) => proxy('http://127.0.0.1:9', { addresses }),
    at: 'addresses',
    bad: { refuse: ['privat'], allow: '10.0.0.0/8' },
  },
  ProxyTimeouts: {
    through: (timeouts) => proxy('http://127.0.0.1:9', { timeouts }),
    at: 'timeouts',
    bad: { connectMs: 0, headersMs: '15s', bodyIdleMs: -1, totalMs: Number.NaN, attemptMs: 0, upgradeIdleMs: -1 },
  },
  RetryOptions: {
    through: (retries) => proxy('http://127.0.0.1:9', { retries }),
    at: 'retries',
    bad: { max: 11, statuses: [200], baseMs: 0, maxMs: 0, retryAfterMs: -1, budget: true },
  },
  RetryBudgetOptions: {
    through: (budget) => proxy('http://127.0.0.1:9', { retries: { budget } }),
    at: 'retries.budget',
    bad: { share: 2, perSecond: -1 },
  },
  HedgeOptions: {
    through: (hedge) => proxy('http://127.0.0.1:9', { hedge }),
    at: 'hedge',
    bad: { afterMs: 0, percentile: 95, maxAttempts: 1 },
  },
  MirrorOptions: {
    through: (options) => mirror(proxy('http://127.0.0.1:9'), options),
    bad: { share: 2, timeoutMs: 0, maxInflight: 0, maxBodyBytes: -1, clock: {} },
  },
  BalancedFetchOptions: {
    through: (options) => balancedFetch(createBalancer({ endpoints }), options),
    bad: {
      host: 'a b',
      timeouts: 1_000,
      retries: 11,
      hedge: true,
      deadlineHeader: 'host',
      maxRequestBytes: 0,
      maxResponseBytes: 0,
      connections: 0,
      maxQueued: 1.5,
      queueMs: 0,
      keepAliveMs: -1,
      tls: true,
      http2: 'yes',
      addresses: 'public',
      unreadMs: 0,
      clock: {},
    },
  },
  TcpOptions: {
    through: (options) => tcpBalancer(createBalancer({ endpoints }), options),
    bad: {
      port: -1,
      host: '',
      connectMs: 0,
      retries: 11,
      idleMs: -1,
      maxConnections: 0,
      proxyProtocol: true,
      addresses: { refuse: ['internal'] },
      hashKey: 'address',
      priority: 1,
      clock: {},
    },
  },
  TcpProxyProtocolOptions: {
    through: (proxyProtocol) => tcpBalancer(createBalancer({ endpoints }), { proxyProtocol }),
    at: 'proxyProtocol',
    bad: { from: ['10.0.0.0/33'], send: 3 },
  },
  TcpCloseOptions: { through: closingTcp, bad: { graceMs: -1 } },
  AddressListOptions: { through: addressList, bad: { allow: ['localhost'], deny: '10.0.0.0/8' } },
  MaintenanceOptions: {
    through: maintenance,
    bad: { active: 'yes', retryAfterMs: -1, allow: ['10.0.0.0/33'], keep: ['livez'], detail: '' },
  },
  RedirectOptions: {
    through: redirect,
    bad: { status: 300, scheme: 'ftp', host: 'a.test:80', port: 0, path: '/a//b', prefix: '/:a' },
  },
  RewriteOptions: { through: rewrite, bad: { path: 'v2', prefix: '/*', host: '*.a.test' } },
  RequestHeadersOptions: {
    through: requestHeaders,
    bad: { set: { host: 'a' }, add: { 'content-length': '1' }, remove: ['connection'] },
  },
  ResponseHeadersOptions: {
    through: responseHeaders,
    bad: { set: { 'x-a': 'a\nb' }, add: { 'x a': 'b' }, remove: ['transfer-encoding'] },
  },
  RequestIdOptions: {
    through: requestId,
    bad: { header: 'request id', accept: 'trusted', make: 'nanoid', reply: 'yes', clock: {} },
  },
  RequestLimitsOptions: {
    through: requestLimits,
    bad: { maxBodyBytes: '1mb', requireLength: 1, maxHeaderFields: 0, maxHeaderBytes: -1, maxTargetBytes: 0.5 },
  },
  SecurityHeadersOptions: {
    through: securityHeaders,
    bad: {
      hsts: true,
      noSniff: 'nosniff',
      frameOptions: 'ALLOWALL',
      referrerPolicy: 'never',
      contentSecurityPolicy: '',
      remove: 'server',
      override: 1,
    },
  },
  HstsOptions: {
    through: (hsts) => securityHeaders({ hsts }),
    at: 'hsts',
    bad: { maxAgeS: 63_072_001, includeSubDomains: 1, preload: 'yes' },
  },
  TimeoutOptions: { through: timeout, bad: { requestMs: -1, backendRequestMs: '1s', clock: {} } },
  RouterOptions: { through: (options) => createRouter(options), bad: { notFound: '/404' } },
  RouteOptions: {
    through: (where) => createRouter().route(where, never as never),
    good: { path: '/x' },
    bad: { method: 'get', host: 'a.example:80', path: 'x' },
  },
  CorsOptions: {
    through: (options) => cors(options),
    good: { allowOrigins: '*' },
    bad: {
      allowOrigins: ['example.com'],
      allowMethods: ['put'],
      allowHeaders: ['x a'],
      exposeHeaders: 'x-a',
      allowCredentials: 'yes',
      maxAgeS: -1,
      allowPrivateNetwork: 1,
      passPreflights: 'yes',
      refuseOthers: 403,
    },
  },
  CompressOptions: {
    through: (options) => compress(options),
    bad: {
      codings: ['brotli'],
      level: 9,
      minBytes: -1,
      types: 'text/html',
      flushStreams: 'sse',
      leaveOut: 'cookies',
      refuseUnacceptable: 406,
      maxInflight: 0,
    },
  },
  CompressLevels: {
    through: (level) => compress({ level }),
    at: 'level',
    bad: { br: 12, gzip: 0, deflate: 10, zstd: 22 },
  },
  SplitOptions: {
    through: (options) => split([{ to: never as never }], options),
    bad: { when: { header: 'x-a', to: '0' }, stickyBy: 'user', name: '', clock: {} },
  },
  SplitRule: {
    through: (rule) => split([{ to: never as never }], { when: [rule] }),
    at: 'when[0]',
    good: { header: 'x-a', to: '0' },
    bad: { header: 'x a', cookie: 'a b', value: '', to: 'canary' },
  },
  SplitCookie: {
    through: (stickyBy) => split([{ to: never as never }], { stickyBy }),
    at: 'stickyBy',
    good: { cookie: 'variant' },
    bad: { cookie: 'a b', secret: 'short', maxAgeS: 0, sameSite: 'Lax', secure: 'yes', path: 'app' },
  },
  GatewayOptions: {
    through: createGateway,
    good: { upstreams: {}, routes: [] },
    bad: { upstreams: [], routes: {}, use: never },
  },
  UpstreamOptions: {
    through: (users) => createGateway({ upstreams: { users }, routes: [] }),
    at: 'upstreams.users',
    good: { endpoints },
    bad: {
      name: 1,
      proxy: 'http://a',
      endpoints: {},
      discovery: 1,
      strategy: 1,
      ejection: 5,
      health: true,
      hashKey: 1,
      overprovisioning: 0,
      panicThreshold: -1,
      zone: {},
      subset: 1,
      aperture: {},
      slowStart: {},
      affinity: {},
      explainShare: -1,
      limits: [],
      queue: 100,
      shed: {},
      priority: 'high',
      drainMs: '30s',
      clock: null,
    },
  },
  GatewayRouteOptions: {
    through: (route) => createGateway({ upstreams: { users: { endpoints } }, routes: [route] }),
    at: 'routes[0]',
    good: { path: '/x', to: 'users' },
    bad: { to: 'usres', use: 'auth', method: [], host: '*', path: '/a//b' },
  },
  AdapterOptions: {
    through: (options) => attach(createServer(), never as never, options),
    good: trusting,
    bad: adapting,
  },
  AttachOptions: {
    through: (options) => attach(createServer(), never as never, options),
    good: trusting,
    bad: { ...adapting, mount: 'api' },
  },
  ServeOptions: {
    through: (options) => serve(never as never, options),
    good: trusting,
    bad: {
      ...adapting,
      port: 65_536,
      host: '',
      proxyProtocol: true,
      keepAliveTimeoutMs: '65s',
      headersTimeoutMs: 0,
      requestTimeoutMs: -1,
      stallTimeoutMs: Number.NaN,
      maxHeaderBytes: 100,
      maxConnections: 0,
      maxConnectionsPerAddress: 1.5,
      allowHalfClosed: 'yes',
      tls: '/etc/cert.pem',
      http2: 'h2c',
    },
  },
  ServeTlsOptions: {
    through: (tls) => serve(never as never, { tls }),
    at: 'tls',
    good: { cert: '-----BEGIN', key: '-----BEGIN' },
    bad: {
      cert: '',
      key: 7,
      passphrase: 7,
      names: ['a b'],
      others: {},
      clientCertificates: true,
      minVersion: 'TLSv1',
      handshakeTimeoutMs: 0,
    },
  },
  CertificateOptions: {
    through: (certificate) => serve(never as never, { tls: { cert: '-----BEGIN', key: '-----BEGIN', others: [certificate] } }),
    at: 'tls.others[0]',
    good: { cert: '-----BEGIN', key: '-----BEGIN' },
    bad: { cert: null, key: '', passphrase: '', names: [] },
  },
  ClientCertificateOptions: {
    through: (clientCertificates) =>
      serve(never as never, { tls: { cert: '-----BEGIN', key: '-----BEGIN', clientCertificates } }),
    at: 'tls.clientCertificates',
    good: { ca: '-----BEGIN' },
    bad: { ca: [], required: 'yes' },
  },
  Http2Options: {
    through: (http2) => serve(never as never, { http2 }),
    at: 'http2',
    bad: { maxConcurrentStreams: 0, maxResets: 0.5, maxSessionMegabytes: 0 },
  },
  PathOptions: {
    through: (paths) => serve(never as never, { paths }),
    at: 'paths',
    bad: { doubleSlash: 'yes', encodedSlash: 1, encodedBackslash: null },
  },
  ProxyProtocolOptions: {
    through: (proxyProtocol) => serve(never as never, { proxyProtocol }),
    at: 'proxyProtocol',
    bad: { from: [] },
  },
  CloseOptions: { through: closing, bad: { delayMs: -1, graceMs: '30s' } },
  FetchOptions: {
    through: (options) => toFetch(never as never, options),
    good: trusting,
    bad: { ...adapting, client: '127.0.0.1', waitUntil: true },
  },
  CallOptions: { through: (options) => call(never as never, '/', options), bad: { next: 404, clock: {}, state: 'ada' } },
  CallRequest: {
    through: (request) => call(never as never, request),
    bad: {
      method: '',
      url: 7,
      headers: 'host: a',
      body: 7,
      json: never,
      client: 7,
      kind: 'websocket',
      protocol: '3',
      paths: true,
    },
  },
  ExchangeOptions: { through: (options) => exchange('/', options), bad: { clock: {}, state: [] } },
  AdapterSuiteOptions: {
    through: (options) => describeAdapter('x', never as never, options),
    bad: { describe: 1, test: 'x', upgrades: 1, interim: 'no', parsers: ['multipart'] },
  },
  StrategySuiteOptions: {
    through: (options) => describeStrategy('x', never as never, options),
    bad: { describe: 1, test: 'x', seesLoad: 1, hashes: 'yes', mayAllocate: 0, metadata: {} },
  },
  MiddlewareSuiteOptions: {
    through: (options) => describeMiddleware('x', never as never, options),
    bad: {
      describe: 1,
      test: 'x',
      state: 'ada',
      adds: 'caller',
      passes: 7,
      refuses: [],
      asksAgain: 1,
      catches: 'yes',
      changesBody: 0,
      buffers: 1,
      readsBody: {},
      mistakes: { none: 1 },
    },
  },
  RunnerOptions: {
    through: (options) => describeStrategy('x', never as never, options),
    bad: { describe: {}, test: true },
  },
  SimulateOptions: {
    through: simulate,
    good: simulated,
    bad: { endpoints: 0, arrivals: [1, 0], serviceTimes: 10, strategy: 'random', faults: {}, retries: 11, hashKey: 1, seed: 0.5 },
  },
  SimulatedEndpoint: {
    through: (endpoint) => simulate({ ...simulated, endpoints: [endpoint] }),
    at: 'endpoints[0]',
    bad: { id: '', weight: -1, slowness: 0, workers: 0.5, metadata: 'eu' },
  },
  PoissonArrivals: {
    through: (arrivals) => simulate({ ...simulated, arrivals }),
    at: 'arrivals',
    good: { perSecond: 1, requests: 1 },
    bad: { perSecond: 0, requests: 0 },
  },
  ServiceTimes: {
    through: (serviceTimes) => simulate({ ...simulated, serviceTimes }),
    at: 'serviceTimes',
    good: { meanMs: 1 },
    bad: { meanMs: '1ms', kind: 'normal' },
  },
  SimulatedFault: {
    through: (fault) => simulate({ ...simulated, faults: [fault] }),
    at: 'faults[0]',
    good: { endpoint: 'e0', kind: 'down', fromMs: 1 },
    bad: { endpoint: 'x', kind: 'gone', fromMs: -1, toMs: 1, factor: 0 },
  },
  OriginsOptions: {
    through: (options) => origins(1, options),
    bad: { handler: 200, upgrade: true, clock: 0, keepRequests: 0, keepBodyBytes: -1 },
  },
  RawRequestOptions: {
    through: (options) => rawRequest(9, 'GET / HTTP/1.1\r\n\r\n', options),
    bad: { responses: 0, silenceMs: -1, end: 'yes' },
  },
  ValidateOptions: {
    through: validate,
    good: { body: { '~standard': { version: 1, vendor: 'test', validate: (value: unknown) => ({ value }) } } },
    bad: {
      params: { type: 'object' },
      query: 'string',
      headers: { '~standard': { version: 2, validate: never } },
      body: never,
      bodyTypes: ['xml'],
      maxBodyBytes: 0,
      maxFields: '10',
      maxErrors: 1.5,
    },
  },
  VersionsOptions: {
    through: versions,
    good: { by: 'path', versions: { '1': never } },
    bad: {
      by: 'query',
      versions: {},
      default: '2',
      latest: '2',
    },
  },
  HeaderVersion: { through: versionsBy, at: 'by', good: { header: 'x' }, bad: { header: 'a b' } },
  VendorVersion: { through: versionsBy, at: 'by', good: { vendor: 'application/x' }, bad: { vendor: 'application/json+x' } },
  ParameterVersion: { through: versionsBy, at: 'by', good: { parameter: 'x' }, bad: { parameter: 7 } },
  VirtualClockOptions: { through: virtualClock, bad: { now: '0', date: new Date(0), seed: Number.NaN } },
}

/** Those that no program starts with, and why nothing checks them. */
export const unchecked: Readonly<Record<string, string>> = {
  GatewayErrorOptions: 'made where something went wrong already: an error about the error would hide it',
  StandardSchema: 'made by a schema library: ValidateOptions says what is none',
  ParseOptions: 'for tests, which read the bytes of a response that they have',
}
