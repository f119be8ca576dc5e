import { type Context, failure, type Reply } from '@gatelet/core'
import { quietlyDiscard } from '../quietly-discard.ts'
import type { ReplyTarget } from '../streamed-reply.ts'
import { writeReply } from '../write-reply.ts'

/** Where a reply goes in a framework. */
export interface FrameworkTarget extends ReplyTarget {
  /** Whether the framework has the head, so that the reply cannot become another one. */
  readonly isHeadWritten: boolean
}

/** Writes a reply; one that cannot be written becomes the reply for that failure. Throws nothing. */
export function deliver(target: FrameworkTarget, reply: Reply): void {
  try {
    writeReply(target, reply)
  } catch (error) {
    quietlyDiscard(reply)
    target.replyFailed(error as Error)
  }
}

/** Says instead of a reply that it failed, as long as nothing of it has left. @returns whether that could be said */
export function deliverFailure(target: FrameworkTarget, error: unknown, context: Context): boolean {
  target.streamed = undefined
  const reply = failure(error, context)
  if (target.isHeadWritten) return false
  try {
    writeReply(target, reply)
    return true
  } catch {
    return false
  }
}
