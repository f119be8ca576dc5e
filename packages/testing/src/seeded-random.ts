/**
 * Numbers in [0, 1) that are the same for the same seed: mulberry32, 32 bits of state, period 2^32. Good enough to draw
 * endpoints and jitter; not for secrets.
 * @param seed any number; only its lower 32 bits count
 */
export function seededRandom(seed: number): () => number {
  // Not a variable: the engine would make an object of each number in it.
  const state = Uint32Array.of(seed >>> 0)
  return () => {
    state[0] = (state[0] as number) + 0x6d2b79f5
    const at = state[0]
    let mixed = Math.imul(at ^ (at >>> 15), at | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}
