import { existsSync, readdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'
import { expect, test } from 'vitest'
import { textOf } from './example-program.ts'
import { fragments, neighbours } from './readme-fragments.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
// From here, programs find what an application would have installed.
const folder = `${root}examples/`

/** One block of a page, as a file that the compiler is told is there. */
interface Block {
  /** Page and number of the block in it, from 1. */
  readonly name: string
  readonly file: string
  readonly code: string
}

function pages(): string[] {
  const readmes = readdirSync(`${root}packages`).map((name) => `packages/${name}/README.md`)
  const guides = readdirSync(`${root}docs/guides`).flatMap((name) => (name.endsWith('.md') ? `docs/guides/${name}` : []))
  return ['README.md', ...readmes, ...guides].filter((page) => existsSync(root + page))
}

function blocksOf(page: string): Block[] {
  return [...textOf(page).matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, code = ''], at) => {
    const name = `${page}#${at + 1}`
    // What a fragment takes for granted stands on its first line, so that lines are counted as in the page.
    const given = fragments[name] ?? ''
    return { name, file: `${folder}${name.replaceAll(/[/#]/g, '-')}.ts`, code: `${given}${code}\nexport {}\n` }
  })
}

function compilerOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(`${root}tsconfig.base.json`, ts.sys.readFile) as { config: object }
  const { options } = ts.parseJsonConfigFileContent({ ...config, files: [] }, ts.sys, root)
  // Nothing is imported from a page, so its exports need no types of their own.
  return { ...options, noEmit: true, declaration: false, isolatedDeclarations: false }
}

/** Compiles all together, which reads the packages once. @returns what is wrong, by the name of the block */
function mistakes(blocks: readonly Block[]): Record<string, string[]> {
  const virtual = new Map(blocks.map(({ file, code }) => [file, code]))
  for (const [file, code] of Object.entries(neighbours)) virtual.set(folder + file, code)
  const options = compilerOptions()
  const host = ts.createCompilerHost(options)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (file) => virtual.has(file) || fileExists.call(host, file)
  host.readFile = (file) => virtual.get(file) ?? readFile.call(host, file)
  host.getSourceFile = (file, languageVersion, ...rest) => {
    const code = virtual.get(file)
    if (code === undefined) return getSourceFile.call(host, file, languageVersion, ...rest)
    return ts.createSourceFile(file, code, languageVersion)
  }
  const program = ts.createProgram([...virtual.keys()], options, host)
  const found = blocks.map(({ name, file }) => {
    const source = program.getSourceFile(file)
    const wrong = [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)]
    return [name, wrong.map(({ messageText }) => ts.flattenDiagnosticMessageText(messageText, '\n'))] as const
  })
  return Object.fromEntries(found.filter(([, wrong]) => wrong.length > 0))
}

const blocks = pages().flatMap(blocksOf)

test('what is shown in READMEs and guides compiles', () => {
  expect(blocks.length).toBeGreaterThan(50)
  expect(mistakes(blocks)).toEqual({})
}, 120_000)

test('fragments are those of a page', () => {
  const names = new Set(blocks.map(({ name }) => name))
  expect(Object.keys(fragments).filter((name) => !names.has(name))).toEqual([])
})
