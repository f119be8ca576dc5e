import { expect, test } from 'vitest'
import { pictures } from '../scripts/pictures/pictures.ts'
import { textOf } from './example-program.ts'

test.each(Object.entries(pictures))(
  '%s is what is drawn, and a guide shows it',
  (path, draw) => {
    expect(textOf(path)).toBe(draw())
    const guides = ['choose-a-strategy', 'limit-requests', 'cache-an-api'].map((guide) => textOf(`docs/guides/${guide}.md`))
    expect(guides.some((guide) => guide.includes(`](${path.replace('docs/guides/', '')})`))).toBe(true)
  },
  30_000,
)
