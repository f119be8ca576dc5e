import type { Socket } from 'node:net'
import { type Clock, type ErrorCode, GatewayError } from '@gatelet/core'
import { connectionOf } from './connection.ts'
import { answerRaw } from './raw-answer.ts'

/** What Node tells by 'clientError': the parser's codes, a timeout, or an error of the socket. */
export interface ClientError extends Error {
  readonly code?: string
  readonly rawPacket?: Buffer
}

/**
 * What a client sent is no HTTP, came too slowly, or its connection broke.
 * @param mayAnswer false where somebody else answers what belongs to no request of ours
 */
export function clientError(error: ClientError, socket: Socket, clock: Clock, mayAnswer: boolean): void {
  const connection = connectionOf(socket)
  const code = codeOf(error)
  if (code === undefined || !socket.writable) {
    // The connection broke, or ended in the middle of a request. Exchanges are told by 'close'.
    if (mayAnswer || connection.exchanges.size > 0) socket.destroy()
    return
  }
  const { arriving } = connection
  // In the middle of a body, whatever is wrong is its framing.
  const failure = new GatewayError(arriving && code === 'BAD_REQUEST' ? 'BAD_FRAMING' : code, { cause: error })
  if (arriving) {
    arriving.requestFailed(failure)
  } else if (connection.exchanges.size > 0) {
    // Garbage behind good requests: those are answered, and that is the end.
    connection.mustClose = connection.isClosing = true
  } else if (mayAnswer && !connection.isClosing) {
    connection.isClosing = true
    // Nothing was asked (browsers and balancers open connections ahead), or it was answered already.
    if (code === 'REQUEST_TIMEOUT' && (socket.bytesRead === 0 || connection.hasUnreadRest)) socket.destroy()
    else answerRaw(socket, failure, clock)
  }
}

function codeOf(error: ClientError): ErrorCode | undefined {
  switch (error.code) {
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return 'REQUEST_TIMEOUT'
    case 'HPE_HEADER_OVERFLOW':
      return 'HEADERS_TOO_LARGE'
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return 'BODY_TOO_LARGE'
    case 'HPE_INVALID_METHOD':
      return isRequestLine.test(error.rawPacket?.toString('latin1', 0, 256) ?? '') ? 'METHOD_NOT_IMPLEMENTED' : 'BAD_REQUEST'
    case 'HPE_INVALID_TRANSFER_ENCODING':
    case 'HPE_INVALID_CONTENT_LENGTH':
    case 'HPE_UNEXPECTED_CONTENT_LENGTH':
    case 'HPE_INVALID_CHUNK_SIZE':
    case 'HPE_STRICT':
      return 'BAD_FRAMING'
    case 'HPE_INVALID_EOF_STATE':
      return undefined
    default:
      return error.code?.startsWith('HPE_') ? 'BAD_REQUEST' : undefined
  }
}

const isRequestLine = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+ \S+ HTTP\/1\.[01]\r?\n/
