import { writeFileSync } from 'node:fs'
import { pictures } from './pictures/pictures.ts'

// Writes the pictures of the guides anew. A test holds the committed ones to what this makes.
for (const [path, draw] of Object.entries(pictures)) {
  writeFileSync(new URL(`../${path}`, import.meta.url), draw())
  console.log(path)
}
