import { type Asked, joined, logTime, queryOf } from './asked.ts'
import { certificateOf, type LambdaClientCertificate } from './client-certificate.ts'

/** An event of payload format 2.0, as an HTTP API and a function URL send it. */
export interface LambdaEventV2 {
  version: '2.0'
  routeKey: string
  rawPath: string
  rawQueryString: string
  cookies?: string[]
  headers: Record<string, string>
  queryStringParameters?: Record<string, string>
  requestContext: {
    accountId: string
    apiId: string
    authentication?: { clientCert: LambdaClientCertificate }
    authorizer?: object
    domainName: string
    domainPrefix: string
    http: { method: string; path: string; protocol: string; sourceIp: string; userAgent: string }
    requestId: string
    routeKey: string
    stage: string
    time: string
    timeEpoch: number
  }
  body?: string
  pathParameters?: Record<string, string>
  isBase64Encoded: boolean
}

export function eventV2(asked: Asked): LambdaEventV2 {
  const { request, fields, body, isBase64Encoded, params, certificate, requestId, timeMs, authorizer, settings } = asked
  const { url, method, protocol, client, headers } = request
  const cookies = headers.getAll('cookie').flatMap((field) => field.split(/; */))
  const query = joined(queryOf(request))
  return {
    version: '2.0',
    routeKey: settings.route,
    rawPath: url.path,
    rawQueryString: url.search.slice(1),
    ...(cookies.length > 0 ? { cookies } : {}),
    headers: joined(fields.filter(([name]) => name !== 'cookie')),
    ...(url.search.length > 1 ? { queryStringParameters: query } : {}),
    requestContext: {
      accountId: settings.api.accountId,
      apiId: settings.api.id,
      ...(certificate ? { authentication: { clientCert: certificateOf(certificate) } } : {}),
      ...(authorizer ? { authorizer } : {}),
      domainName: url.host,
      domainPrefix: url.host.split('.', 1)[0] as string,
      http: {
        method,
        path: url.path,
        protocol: `HTTP/${protocol}`,
        sourceIp: client.address,
        userAgent: headers.get('user-agent') ?? '',
      },
      requestId,
      routeKey: settings.route,
      stage: settings.api.stage,
      time: logTime(timeMs),
      timeEpoch: timeMs,
    },
    ...(body === undefined ? {} : { body }),
    ...(params ? { pathParameters: params } : {}),
    isBase64Encoded,
  }
}
