/** The parts of an `HTTPRoute` of the Kubernetes Gateway API (v1) that decide about requests. */
export interface HttpRoute {
  /** `namespace/name`. Default: `default/route`. */
  readonly name?: string
  /** When it was created: of equals the older one goes first. Default: 0. */
  readonly created?: number
  /** The name of the listener that it belongs to. Default: all of them. */
  readonly listener?: string
  readonly hostnames?: readonly string[]
  readonly rules: readonly HttpRouteRule[]
}

export interface HttpRouteRule {
  /** Default: every path. */
  readonly matches?: readonly HttpRouteMatch[]
  readonly filters?: readonly HttpRouteFilter[]
  readonly backendRefs?: readonly BackendRef[]
  /** GEP-2257 durations, such as `500ms` or `1m30s`; `0s` is no bound. */
  readonly timeouts?: { readonly request?: string; readonly backendRequest?: string }
  readonly retry?: Retry
}

/** Which answers are asked for again. */
export interface Retry {
  /** 400 to 599. */
  readonly codes?: readonly number[]
  /** After the first. */
  readonly attempts?: number
  /** The least time between two attempts, as a GEP-2257 duration. */
  readonly backoff?: string
}

export interface HttpRouteMatch {
  readonly path?: { readonly type?: 'Exact' | 'PathPrefix'; readonly value: string }
  readonly method?: string
  readonly headers?: readonly FieldMatch[]
  readonly queryParams?: readonly FieldMatch[]
}

export interface FieldMatch {
  readonly type?: 'Exact' | 'RegularExpression'
  readonly name: string
  readonly value: string
}

export interface BackendRef {
  /** One that the scene does not have is an invalid reference. */
  readonly name: string
  readonly weight?: number
  readonly filters?: readonly HttpRouteFilter[]
}

export interface HeaderModifier {
  readonly set?: readonly Field[]
  readonly add?: readonly Field[]
  readonly remove?: readonly string[]
}

interface Field {
  readonly name: string
  readonly value: string
}

export type PathModifier =
  | { readonly type: 'ReplaceFullPath'; readonly replaceFullPath: string }
  | { readonly type: 'ReplacePrefixMatch'; readonly replacePrefixMatch: string }

export type HttpRouteFilter =
  | { readonly type: 'RequestHeaderModifier'; readonly requestHeaderModifier: HeaderModifier }
  | { readonly type: 'ResponseHeaderModifier'; readonly responseHeaderModifier: HeaderModifier }
  | { readonly type: 'URLRewrite'; readonly urlRewrite: { readonly hostname?: string; readonly path?: PathModifier } }
  | { readonly type: 'RequestRedirect'; readonly requestRedirect: RequestRedirect }
  | { readonly type: 'CORS'; readonly cors: CorsFilter }
  | { readonly type: 'RequestMirror'; readonly requestMirror: RequestMirror }

export interface RequestRedirect {
  readonly scheme?: 'http' | 'https'
  readonly hostname?: string
  readonly path?: PathModifier
  readonly port?: number
  readonly statusCode?: 301 | 302 | 303 | 307 | 308
}

/** Left out both: every request. */
export interface RequestMirror {
  readonly backendRef: Pick<BackendRef, 'name'>
  /** Of a hundred requests. */
  readonly percent?: number
  /** `denominator`: 100 where it is left out. */
  readonly fraction?: { readonly numerator: number; readonly denominator?: number }
}

interface CorsFilter {
  readonly allowOrigins: readonly string[]
  readonly allowCredentials?: boolean
  readonly allowMethods?: readonly string[]
  readonly allowHeaders?: readonly string[]
  readonly exposeHeaders?: readonly string[]
  /** In seconds. Default: 5. */
  readonly maxAge?: number
}

/** Where requests come in. */
export interface Listener {
  readonly name: string
  readonly hostname?: string
}
