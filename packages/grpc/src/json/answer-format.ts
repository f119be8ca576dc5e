import { type DescMessage, fromBinary, type JsonObject, type JsonValue, type Message, toJson } from '@bufbuild/protobuf'
import type { ReadonlyHeaders } from '@gatelet/core'
import { acceptedOf } from '../wire/accepted.ts'
import { type Binding, HTTP_BODY } from './binding.ts'
import type { JsonSettings } from './settings.ts'

/** How a stream of messages is written. */
export type StreamFormat = 'ndjson' | 'sse' | 'array'

/** The format that a client accepts; lines of JSON where it does not say. */
export function streamFormat(headers: ReadonlyHeaders): StreamFormat {
  const accepted = acceptedOf(headers, acceptable)
  if (accepted === 'text/event-stream') return 'sse'
  return accepted === 'application/json' ? 'array' : 'ndjson'
}

// Of those that a client wants alike, the first.
const acceptable = [
  ...['text/event-stream', 'application/x-ndjson', 'application/ndjson', 'application/jsonl', 'application/x-jsonl'],
  'application/json',
]

export const streamType: Readonly<Record<StreamFormat, string>> = {
  ndjson: 'application/x-ndjson',
  sse: 'text/event-stream',
  array: 'application/json',
}

/** What a message is as the body of an answer. */
export interface Answer {
  readonly contentType: string
  readonly bytes: Uint8Array
}

/** Makes messages of gRPC what the client gets. */
export class AnswerWriter {
  readonly isRaw: boolean
  private readonly binding: Binding
  private readonly settings: JsonSettings

  constructor(binding: Binding, settings: JsonSettings) {
    this.binding = binding
    this.settings = settings
    this.isRaw = this.type.typeName === HTTP_BODY
  }

  /** @throws Error for bytes that are no such message */
  write(bytes: Uint8Array): Answer {
    const { output } = this.binding.method
    const message = fromBinary(output, bytes)
    if (this.isRaw) return rawAnswer(this.inner(message))
    return { contentType: 'application/json', bytes: Buffer.from(JSON.stringify(this.json(output, message))) }
  }

  private get type(): DescMessage {
    const { method, responseBody } = this.binding
    return responseBody?.fieldKind === 'message' ? responseBody.message : method.output
  }

  private json(output: DescMessage, message: Message): JsonValue {
    const { responseBody: field } = this.binding
    const { writing } = this.settings
    if (!field) return toJson(output, message, writing)
    const name = writing.useProtoFieldName ? field.name : field.jsonName
    const found = (toJson(output, message, writing) as JsonObject)[name]
    if (found !== undefined) return found
    // There is no way to leave a whole body out.
    return (toJson(output, message, { ...writing, alwaysEmitImplicit: true }) as JsonObject)[name] ?? null
  }

  private inner(message: Message): Message | undefined {
    const { responseBody } = this.binding
    return responseBody ? (message as unknown as Record<string, Message | undefined>)[responseBody.localName] : message
  }
}

function rawAnswer(message: Message | undefined): Answer {
  const { contentType = '', data = new Uint8Array(0) } = (message ?? {}) as { contentType?: string; data?: Uint8Array }
  return { contentType: contentType === '' ? 'application/octet-stream' : contentType, bytes: data }
}
