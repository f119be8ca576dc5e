import { asError } from './errors.ts'
import { isPromise } from './promise.ts'

interface Registration<T> {
  listener: ((value: T) => unknown) | undefined
}

/**
 * Listeners that are called once, in the order in which they came, and never after their undo. Nearly always there is one,
 * the proxy's: it needs no list.
 */
export class Listeners<T> {
  private first: Registration<T> | undefined
  private more: Set<Registration<T>> | undefined

  /** @returns its undo */
  add(listener: (value: T) => void): () => void {
    const registration: Registration<T> = { listener }
    // Only an empty list has a free first place: a later listener must not overtake the others.
    if (!this.first && !this.more?.size) this.first = registration
    else if (!this.more) this.more = new Set([registration])
    else this.more.add(registration)
    return () => {
      registration.listener = undefined
      if (this.first === registration) this.first = undefined
      else this.more?.delete(registration)
    }
  }

  /** For who comes when it has happened already: called soon, unless undone until then. @returns its undo */
  addLate(listener: (value: T) => void, value: T): () => void {
    const registration: Registration<T> = { listener }
    queueMicrotask(() => call(registration, value))
    return () => {
      registration.listener = undefined
    }
  }

  tell(value: T): void {
    const { first, more } = this
    this.clear()
    if (first) call(first, value)
    if (more) for (const registration of more) call(registration, value)
  }

  clear(): void {
    this.first = this.more = undefined
  }
}

function call<T>(registration: Registration<T>, value: T): void {
  const { listener } = registration
  registration.listener = undefined
  if (listener) guarded(listener, value, 'an exchange')
}

/**
 * Calls a listener whose errors must not disturb the others nor end the process: what it throws, or its promise rejects
 * with, is a warning of the process.
 * @param of what it listens to, for the warning
 */
export function guarded<T>(listener: (value: T) => unknown, value: T, of: string): void {
  try {
    const result = listener(value)
    if (isPromise(result)) void result.then(undefined, (error: unknown) => warn(error, of))
  } catch (error) {
    warn(error, of)
  }
}

function warn(error: unknown, of: string): void {
  process.emitWarning(`a listener of ${of} threw: ${asError(error).stack}`, 'GateletWarning')
}
