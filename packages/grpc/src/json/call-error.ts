import { codeOf, type Status, type StatusName } from '../status.ts'

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
