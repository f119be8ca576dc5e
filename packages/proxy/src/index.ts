export type { CookieMap, ProxyOptions, ProxyTimeouts } from './options.ts'
export { proxyChecks } from './options.ts'
export type { Forwarder } from './proxy.ts'
export { proxy } from './proxy.ts'
