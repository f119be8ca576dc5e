import { type Asked, both, logTime, queryOf } from './asked.ts'
import { certificateOf, type LambdaClientCertificate } from './client-certificate.ts'

/** An event of payload format 1.0, as a REST API sends it. */
export interface LambdaEventV1 {
  version: '1.0'
  resource: string
  path: string
  httpMethod: string
  headers: Record<string, string>
  multiValueHeaders: Record<string, string[]>
  queryStringParameters: Record<string, string> | null
  multiValueQueryStringParameters: Record<string, string[]> | null
  requestContext: {
    accountId: string
    apiId: string
    authorizer: object | null
    domainName: string
    domainPrefix: string
    extendedRequestId: string
    httpMethod: string
    identity: Record<Exclude<keyof typeof nobody, 'clientCert'>, string | null> & { clientCert: LambdaClientCertificate | null }
    path: string
    protocol: string
    requestId: string
    requestTime: string
    requestTimeEpoch: number
    resourceId: string
    resourcePath: string
    stage: string
  }
  pathParameters: Record<string, string> | null
  stageVariables: null
  body: string | null
  isBase64Encoded: boolean
}

// There is no account of Amazon's behind a request here.
const nobody = {
  accessKey: null,
  accountId: null,
  apiKey: null,
  apiKeyId: null,
  caller: null,
  clientCert: null,
  cognitoAuthenticationProvider: null,
  cognitoAuthenticationType: null,
  cognitoIdentityId: null,
  cognitoIdentityPoolId: null,
  principalOrgId: null,
  sourceIp: null,
  user: null,
  userAgent: null,
  userArn: null,
} as const

export function eventV1(asked: Asked): LambdaEventV1 {
  const { request, fields, body, isBase64Encoded, params, certificate, requestId, timeMs, authorizer, settings } = asked
  const { url, method, protocol, client, headers } = request
  const query = both(queryOf(request))
  const hasQuery = url.search.length > 1
  const { last, all } = both(fields)
  const resource = settings.route === '$default' ? '/{proxy+}' : settings.route.slice(settings.route.indexOf(' ') + 1)
  return {
    version: '1.0',
    resource,
    path: url.path,
    httpMethod: method,
    headers: last,
    multiValueHeaders: all,
    queryStringParameters: hasQuery ? query.last : null,
    multiValueQueryStringParameters: hasQuery ? query.all : null,
    requestContext: {
      accountId: settings.api.accountId,
      apiId: settings.api.id,
      authorizer: authorizer ?? null,
      domainName: url.host,
      domainPrefix: url.host.split('.', 1)[0] as string,
      extendedRequestId: requestId,
      httpMethod: method,
      identity: {
        ...nobody,
        clientCert: certificate ? certificateOf(certificate) : null,
        sourceIp: client.address,
        userAgent: headers.get('user-agent') ?? null,
      },
      path: url.path,
      protocol: `HTTP/${protocol}`,
      requestId,
      requestTime: logTime(timeMs),
      requestTimeEpoch: timeMs,
      resourceId: resource,
      resourcePath: resource,
      stage: settings.api.stage,
    },
    pathParameters: params ?? (settings.route === '$default' && url.path !== '/' ? { proxy: url.path.slice(1) } : null),
    stageVariables: null,
    body: body ?? null,
    isBase64Encoded,
  }
}
