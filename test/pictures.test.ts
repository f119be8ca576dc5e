import { expect, test } from 'vitest'
import { pictures } from '../scripts/pictures/pictures.ts'
import { textOf } from './example-program.ts'

test.each(Object.entries(pictures))(
  '%s is what the simulation draws, and the guide shows it',
  (path, draw) => {
    expect(textOf(path)).toBe(draw())
    expect(textOf('docs/guides/choose-a-strategy.md')).toContain(`](${path.replace('docs/guides/', '')})`)
  },
  30_000,
)
