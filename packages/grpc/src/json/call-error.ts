import { codeOf, type Status, type StatusName, statusOfError } from '../status.ts'
import type { Frame } from '../wire/frames.ts'

/** A call that ends here with a status: what the client has sent is not right, or what the server has sent. */
export class CallError extends Error {
  readonly status: Status

  constructor(name: StatusName, message: string) {
    super(message)
    this.status = { code: codeOf(name), message }
  }
}

/** What the client has sent is not right. @param thrown says what */
export function invalid(thrown: unknown): CallError {
  return thrown instanceof CallError
    ? thrown
    : new CallError('INVALID_ARGUMENT', thrown instanceof Error ? thrown.message : String(thrown))
}

/** The message in a frame of an answer. @throws CallError for one that would have to be unpacked */
export function messageIn({ flags, data }: Frame): Uint8Array {
  if (flags === 0) return data
  throw new CallError('INTERNAL', 'the server sent a compressed message, which was not asked for')
}

/** What an error means that reading an answer threw. */
export function statusOfCall(error: unknown): Status {
  return error instanceof CallError ? error.status : statusOfError(error)
}

export const noStatus: Status = { code: codeOf('UNKNOWN'), message: 'the server sent no status' }
export const badMessage: Status = { code: codeOf('INTERNAL'), message: 'the server sent what is no such message' }
