const ROUNDS = 7

/**
 * How many times longer `work` takes on an input of 400 kB than on one of 50 kB: about 8 when its time is linear, 64 when
 * it is quadratic. The best of some rounds counts, so that a busy machine does not.
 */
export function growth(input: (length: number) => string, work: (text: string) => void): number {
  const [small, large] = [input(50_000), input(400_000)]
  return best(() => work(large)) / best(() => work(small))
}

/** Between linear and quadratic, nearer to neither. */
export const LINEAR = 24

function best(work: () => void): number {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.now()
    work()
    least = Math.min(least, performance.now() - from)
  }
  return least
}
