import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ChildProgram, childProgram } from './child-program.ts'

/** Where the examples are. */
export const examples: string = fileURLToPath(new URL('../examples/', import.meta.url))

/** What Node needs for them: on sources here, on what is published when that is what is tested. */
export const nodeArgs: readonly string[] = [
  ...(process.env['GATELET_DIST'] === '1' ? [] : ['--conditions=@gatelet/source']),
  '--import',
  'tsx',
]

/** Starts an example as users do. @returns the program, and where it says that it listens */
export async function example(
  file: string,
  env: Readonly<Record<string, string>> = {},
): Promise<{ program: ChildProgram; url: string }> {
  const program = childProgram([...nodeArgs, file], { cwd: examples, env: { PORT: '0', ...env } })
  const [, url = ''] = await program.printed(/listening on (https?:\S+?):? /)
  return { program, url }
}

/** The text of a file, by its path from the root. */
export const textOf = (path: string): string => readFileSync(new URL(`../${path}`, import.meta.url), 'utf8')
