/** Lets tests wait for a state instead of sleeping: whoever changes the state calls `changed`. */
export class Watch {
  readonly #looks = new Set<() => void>()
  #isDue = false

  /** Those who wait look when what runs now is done: all that one event changes is then changed. */
  changed(): void {
    if (this.#isDue) return
    this.#isDue = true
    queueMicrotask(() => {
      this.#isDue = false
      for (const look of [...this.#looks]) look()
    })
  }

  /**
   * Resolves as soon as `condition` holds: now, or after a change.
   * @param withinMs rejects after so many milliseconds of real time
   * @param missing what to say then
   */
  until(condition: () => boolean, withinMs: number, missing: () => string): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (settle: () => void) => {
        this.#looks.delete(look)
        clearTimeout(timer)
        settle()
      }
      const look = () => {
        try {
          if (condition()) end(resolve)
        } catch (error) {
          end(() => reject(error))
        }
      }
      const timer = setTimeout(() => end(() => reject(new Error(missing()))), withinMs)
      this.#looks.add(look)
      look()
    })
  }
}
