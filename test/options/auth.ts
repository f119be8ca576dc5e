import {
  absent,
  apiKey,
  auth,
  basic,
  certificate,
  createApiKey,
  identity,
  introspection,
  jwt,
  memoryApiKeys,
  memoryReplays,
} from '@gatelet/auth'
import type { Subject } from './subjects.ts'

const trusted = { issuer: 'https://id.example.com/', audience: 'api', algorithms: ['RS256'] } as const

/** The options of `@gatelet/auth`. */
export const authSubjects: Readonly<Record<string, Subject>> = {
  AuthOptions: {
    through: (options) => auth({ challenges: [{ scheme: 'Bearer', params: {} }], verify: () => absent }, options),
    bad: { require: 'read', optional: 'yes', realm: '', resourceMetadata: '/metadata' },
  },
  JwtOptions: {
    through: jwt,
    good: trusted,
    bad: {
      issuer: 'id.example.com',
      audience: [],
      algorithms: ['none'],
      keys: 'http://id.example.com/keys',
      type: 'jwt',
      toleranceMs: -1,
      maxAgeMs: 1,
      subjectClaim: '',
      roles: ['admin'],
      claims: 'tenant',
      fetching: 5_000,
      cacheTokens: 0.5,
      clock: {},
    },
  },
  KeyFetchOptions: {
    through: (fetching) => jwt({ ...trusted, fetching }),
    at: 'fetching',
    bad: { timeoutMs: 0, maxAgeMs: 0, maxStaleMs: -1, cooldownMs: '30s', fetch: 'undici' },
  },
  ApiKeyOptions: {
    through: apiKey,
    good: { keys: memoryApiKeys(), pepper: new Uint8Array(32) },
    bad: { keys: {}, pepper: new Uint8Array(31), prefix: 'my_key', header: 'x api key', clock: {} },
  },
  CreateApiKeyOptions: {
    through: createApiKey,
    good: { subject: 'ada', pepper: new Uint8Array(32) },
    bad: { subject: '', pepper: 'secret', prefix: '1', scopes: 'read', roles: [''], claims: 'x', expiresAt: new Date(0) },
  },
  BasicOptions: { through: basic, bad: { check: { ada: 'secret' } } },
  BindingOptions: { through: (binding) => jwt({ ...trusted }, binding), bad: { dpop: true, certificate: 'yes', bearer: 0 } },
  DpopOptions: {
    through: (dpop) => jwt(trusted, { dpop }),
    at: 'dpop',
    bad: {
      algorithms: ['HS256'],
      windowMs: 1,
      toleranceMs: '5s',
      origin: 'https://api.example.com/v1',
      replays: {},
      nonceSecret: new Uint8Array(16),
    },
  },
  CertificateSourceOptions: {
    through: (source) => jwt(trusted, { certificate: source }),
    at: 'certificate',
    bad: { header: 'client cert', format: 'der' },
  },
  CertificateVerifierOptions: {
    through: certificate,
    good: { identify: () => undefined },
    bad: { header: 'client cert', format: 'der', identify: 'subject' },
  },
  MemoryReplaysOptions: { through: memoryReplays, bad: { maxEntries: 1, clock: {} } },
  IdentityOptions: {
    through: identity,
    bad: { headers: { 'x-user': 'sub' }, token: 'x', strip: ['x*y'], stripCredentials: 'all' },
  },
  IdentityTokenOptions: {
    through: (token) => identity({ token }),
    at: 'token',
    good: { key: new Uint8Array(32), algorithm: 'HS256', issuer: 'gateway', audience: 'orders' },
    bad: {
      header: 'x identity',
      key: 'secret',
      algorithm: 'none',
      keyId: '',
      issuer: '',
      audience: ['orders'],
      lifetimeMs: 1,
      claims: {},
      clock: {},
    },
  },
  IntrospectionOptions: {
    through: introspection,
    good: { endpoint: 'https://id.example.com/introspect', clientId: 'gateway', clientSecret: 'secret' },
    bad: {
      endpoint: 'http://id.example.com/introspect',
      clientId: '',
      clientSecret: 7,
      audience: [],
      issuer: '',
      subjectClaim: '',
      roles: 'roles',
      cacheMs: -1,
      negativeCacheMs: '2s',
      cacheTokens: 1,
      maxPending: 0,
      timeoutMs: 0,
      fetch: 'fetch',
      clock: {},
    },
  },
}
