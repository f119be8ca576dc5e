/** Runs synchronous work while the time and chance of the whole program throw, so that who takes them from there is seen. */
export function withoutGlobals(work: () => void): void {
  const undos = [
    replaced(Math, 'random', 'Math.random'),
    replaced(Date, 'now', 'Date.now'),
    replaced(performance, 'now', 'performance.now'),
  ]
  try {
    work()
  } finally {
    for (const undo of undos) undo()
  }
}

function replaced(owner: object, name: string, shown: string): () => void {
  const before = Object.getOwnPropertyDescriptor(owner, name)
  const value = () => {
    throw new Error(`${shown} was called: time and chance come from the environment that the factory gets`)
  }
  Object.defineProperty(owner, name, { value, configurable: true, writable: true })
  return () => {
    if (before) Object.defineProperty(owner, name, before)
    else delete (owner as Record<string, unknown>)[name]
  }
}
