import { Readable } from 'node:stream'
import type { Handler, Reply } from './contract.ts'
import { isPromise } from './promise.ts'
import { streamSourceOf } from './stream-source.ts'

/**
 * A handler whose streams are listened to from the moment that it answers. The layers in front may wait before anybody reads
 * the body, and a stream that fails meanwhile (a file that is missing) would end the process: Node lets no 'error' go unheard.
 */
export function hearing(handler: Handler): Handler {
  return function hearing(ctx) {
    const reply = handler(ctx)
    return isPromise(reply) ? reply.then(heard) : heard(reply)
  }
}

// The source is the same for whoever asks for it later, and tells then what has happened.
function heard(reply: Reply): Reply {
  if (reply?.body instanceof Readable) streamSourceOf(reply.body)
  return reply
}
