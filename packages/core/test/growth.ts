const ROUNDS = 15
const ATTEMPTS = 3

/** Between linear and quadratic, nearer to neither. */
export const LINEAR = 24

/**
 * How many times longer `work` takes on an input of 50 kB than on one of 6 kB: about 8 when its time is linear, 64 when it
 * is quadratic. The best of some rounds counts, and it is measured again when it looks bad, so that a busy machine does not
 * count.
 */
export function growth(input: (length: number) => string, work: (text: string) => void): number {
  const [small, large] = [input(6_250), input(50_000)]
  let least = Number.POSITIVE_INFINITY
  for (let attempt = 0; attempt < ATTEMPTS && least >= LINEAR; attempt++) {
    least = Math.min(least, best(() => work(large)) / best(() => work(small)))
  }
  return least
}

function best(work: () => void): number {
  let least = Number.POSITIVE_INFINITY
  for (let round = 0; round < ROUNDS; round++) {
    const from = performance.now()
    work()
    least = Math.min(least, performance.now() - from)
  }
  return least
}
