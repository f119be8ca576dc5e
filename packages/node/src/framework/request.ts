import type { IncomingMessage } from 'node:http'
import type { Body, HeaderList, ReadonlyHeaders } from '@gatelet/core'
import { connectionOf } from '../connection.ts'
import { NodeRequest } from '../request.ts'
import { bytesOfParsed, headersOfParsed, type ParsedBody } from './parsed-body.ts'
import type { Passage } from './passage.ts'

/** A request as the layers of one placement see it. */
export class FrameworkRequest extends NodeRequest {
  readonly passage: Passage
  private readonly parsed: ParsedBody | undefined
  private parsedHeaders: HeaderList | undefined
  private parsedBytes: Uint8Array | undefined

  constructor(passage: Passage, req: IncomingMessage, target: string) {
    super(passage, connectionOf(req.socket), req, 'request', undefined, target)
    this.passage = passage
    this.parsed = this.hasBody && isRead(req) ? passage.side.parsedBody() : undefined
  }

  override get headers(): ReadonlyHeaders {
    if (!this.parsed) return super.headers
    this.parsedHeaders ??= headersOfParsed(super.headers, this.parsed)
    return this.parsedHeaders
  }

  /** @throws GatewayError `BODY_PARSED` when somebody has read it and left nothing that can be sent on */
  override get body(): Body {
    if (!this.parsed) return super.body
    this.parsedBytes ??= bytesOfParsed(this.parsed, this.headers.get('content-type') ?? '')
    return this.parsedBytes
  }
}

const isRead = (req: IncomingMessage): boolean => req.readableDidRead || req.readableEnded || req.readableFlowing === true
