import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Project, userProject } from './packed/project.ts'
import { typedProgram } from './packed/typed-program.ts'

/** The oldest that has all that the types need, what the workspace has, and what came after it. */
const versions = ['5.4.5', '5.9.3', '6.0.3', '7.0.2'] as const

let project: Project
let compilers: string
let away: string | undefined

beforeAll(() => {
  compilers = mkdtempSync(join(tmpdir(), 'gatelet-typescript-'))
  writeFileSync(join(compilers, 'package.json'), JSON.stringify({ private: true }))
  const packages = versions.map((version) => `ts-${version}@npm:typescript@${version}`)
  const { status, stderr } = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...packages], {
    cwd: compilers,
    encoding: 'utf8',
    timeout: 120_000,
  })
  // Neither could what the packages need be installed.
  if (status !== 0) away = `no compilers to be had: ${stderr.slice(-300)}`
  else project = userProject(['core', 'router'])
}, 300_000)

// Not there when they could not be made.
afterAll(() => {
  ;(project as Project | undefined)?.[Symbol.dispose]()
  if (compilers !== undefined) rmSync(compilers, { recursive: true })
})

test.for(versions)('TypeScript %s infers and refuses what the packed types promise', (version, { skip }) => {
  skip(away !== undefined, away)
  const folder = join(compilers, `node_modules/ts-${version}`)
  const { stdout } = spawnSync(process.execPath, [join(folder, 'bin/tsc'), '--version'], { encoding: 'utf8' })
  expect(stdout.trim()).toBe(`Version ${version}`)
  expect(project.compile({ typed: typedProgram }, join(folder, 'bin/tsc'))).toBe('')
})
