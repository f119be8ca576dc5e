import { type Asked, both, joined } from './asked.ts'
import { certificateFields } from './client-certificate.ts'

/** An event as an Application Load Balancer sends it. */
export interface LambdaEventAlb {
  requestContext: { elb: { targetGroupArn: string } }
  httpMethod: string
  path: string
  queryStringParameters?: Record<string, string>
  multiValueQueryStringParameters?: Record<string, string[]>
  headers?: Record<string, string>
  multiValueHeaders?: Record<string, string[]>
  body: string
  isBase64Encoded: boolean
}

export function eventAlb(asked: Asked): LambdaEventAlb {
  const { request, certificate, body = '', isBase64Encoded, settings } = asked
  const fields = certificate ? [...asked.fields, ...certificateFields(certificate)] : asked.fields
  const { id, accountId } = settings.api
  const isMulti = settings.payload === 'alb-multi-value'
  const query = both(rawQuery(request.url.search))
  return {
    requestContext: {
      elb: { targetGroupArn: `arn:aws:elasticloadbalancing:us-east-1:${accountId}:targetgroup/${id}/0000000000000000` },
    },
    httpMethod: request.method,
    path: request.url.path,
    ...(isMulti
      ? { multiValueQueryStringParameters: query.all, multiValueHeaders: both(fields).all }
      : { queryStringParameters: query.last, headers: joined(fields) }),
    body,
    isBase64Encoded,
  }
}

// Still encoded: a load balancer decodes nothing.
function rawQuery(search: string): [string, string][] {
  const parts = search.slice(1).split('&')
  return parts
    .filter((part) => part !== '')
    .map((part) => {
      const at = part.indexOf('=')
      return at < 0 ? [part, ''] : [part.slice(0, at), part.slice(at + 1)]
    })
}
