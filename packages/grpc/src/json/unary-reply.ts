import { type HeaderList, type Reply, sourceOf } from '@gatelet/core'
import { codeOf, type Status, statusOfError } from '../status.ts'
import { FrameReader } from '../wire/frames.ts'
import { statusIn } from '../wire/status-fields.ts'
import { AnswerWriter } from './answer-format.ts'
import type { Binding } from './binding.ts'
import { badMessage, CallError, messageIn, noStatus, statusOfCall } from './call-error.ts'
import { headersOf } from './metadata.ts'
import type { JsonSettings } from './settings.ts'
import { statusReply } from './status-body.ts'

/** The reply for a call that is answered by one message: it is known whole, so its status is too. */
export async function unaryReply(reply: Reply, binding: Binding, settings: JsonSettings): Promise<Reply> {
  const { message, trailers, failure } = await collected(reply, settings.maxMessageBytes)
  const headers = headersOf(reply.headers)
  for (const [name, value] of headersOf(trailers)) headers.append(name, value)
  const status = failure ?? statusIn(trailers) ?? statusIn(reply.headers) ?? noStatus
  if (status.code !== 0) return statusReply(status, settings.registry, settings.writing, headers)
  if (!message) return statusReply(noMessage, settings.registry, settings.writing, headers)
  try {
    const { contentType, bytes } = new AnswerWriter(binding, settings).write(message)
    headers.set('content-type', contentType)
    return { status: 200, headers, body: bytes }
  } catch {
    return statusReply(badMessage, settings.registry, settings.writing, headers)
  }
}

interface Collected {
  readonly message?: Uint8Array | undefined
  readonly trailers?: HeaderList | undefined
  readonly failure?: Status | undefined
}

function collected(reply: Reply, maxBytes: number): Promise<Collected> {
  return new Promise((resolve) => {
    const reader = new FrameReader(maxBytes)
    const source = sourceOf(reply.body)
    let message: Uint8Array | undefined
    const fail = (failure: Status) => {
      source.cancel()
      resolve({ failure })
    }
    source.pipeTo({
      write(chunk) {
        try {
          reader.push(chunk, (frame) => {
            if (message) throw new CallError('INTERNAL', 'the server sent more than one message')
            message = messageIn(frame)
          })
        } catch (error) {
          fail(statusOfCall(error))
        }
        return true
      },
      end: (trailers) => resolve(reader.isBetween ? { message, trailers } : { failure: badMessage }),
      fail: (error) => resolve({ failure: statusOfError(error) }),
    })
  })
}

const noMessage: Status = { code: codeOf('INTERNAL'), message: 'the server sent no message' }
