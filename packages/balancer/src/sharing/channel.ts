/** Carries messages between processes (or threads) that balance the same endpoints. What is sent reaches all others, or nobody. */
export interface ShareChannel {
  /** Plain JSON. May throw, and may lose messages: they are told again when somebody joins. */
  send(message: unknown): void
  /** @returns its undo */
  onMessage(listener: (message: unknown) => void): () => void
}
