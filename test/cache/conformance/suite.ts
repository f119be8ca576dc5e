import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { text } from 'node:stream/consumers'
import { pathToFileURL } from 'node:url'

/** One test of the public suite. */
export interface PublicTest {
  readonly id: string
  readonly name: string
  /** What a pass says: that a rule is kept, that what may be reused is reused, or only what a cache does. */
  readonly kind: 'required' | 'optimal' | 'check'
  /** Tests that must pass for this one to say anything. */
  readonly needs: readonly string[]
}

/** What the client says of each test, by its id: true, or the kind of failure and a sentence. */
export type PublicResults = Readonly<Record<string, true | readonly [kind: string, message: string]>>

const home = dirname(createRequire(import.meta.url).resolve('http-cache-tests/package.json'))

/** Which tests: as they were published, or with what their authors and the RFCs have changed since (`amend.js`). */
export type Edition = 'published' | 'amended'

/** The tests that the suite has for caches that are no browsers. */
export function publicTests(edition: Edition): PublicTest[] {
  const program = `Promise.all(['index', 'surrogate-control'].map((name) => import('http-cache-tests/tests/' + name + '.mjs')))
    .then(([{ default: groups }, { default: one }]) => console.log(JSON.stringify([...groups, one])))`
  const args = [...editing(edition), '--input-type=module', '--eval', program]
  const groups = JSON.parse(execFileSync(process.execPath, args, { cwd: here, encoding: 'utf8' })) as Group[]
  return groups
    .flatMap(({ tests }) => tests)
    .filter((test) => !test.browser_only)
    .map(({ id, name, kind = 'required', depends_on: needs = [] }) => ({ id, name, kind, needs }))
}

const here = import.meta.dirname
const editing = (edition: Edition) => (edition === 'amended' ? ['--import', pathToFileURL(join(here, 'amend.js')).href] : [])

interface Group {
  readonly tests: readonly {
    readonly id: string
    readonly name: string
    readonly kind?: PublicTest['kind']
    readonly browser_only?: boolean
    readonly depends_on?: readonly string[]
  }[]
}

/** Starts the suite's origin on a free port. */
export async function publicOrigin(): Promise<{ readonly url: string } & AsyncDisposable> {
  const folder = mkdtempSync(join(tmpdir(), 'gatelet-cache-tests-'))
  const program = run('server/server.mjs', { protocol: 'http', port: '0', pidfile: join(folder, 'pid') })
  const port = await listening(program)
  return {
    url: `http://127.0.0.1:${port}`,
    async [Symbol.asyncDispose]() {
      const closed = once(program, 'close')
      program.kill()
      await closed
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** Asks a cache all questions of the suite; about a minute, nearly all of it waiting. */
export async function askAll(cacheUrl: string, edition: Edition): Promise<PublicResults> {
  const program = run('cli.mjs', { base: cacheUrl, id: '' }, editing(edition))
  const [said] = await Promise.all([text(program.stdout), once(program, 'close')])
  // Before its results it may say a word about a test.
  const from = said.search(/^\{$/m)
  if (from < 0) throw new Error(`the suite's client has no results:\n${said}`)
  return JSON.parse(said.slice(from)) as PublicResults
}

function run(file: string, settings: Readonly<Record<string, string>>, flags: readonly string[] = []) {
  const env = Object.fromEntries(Object.entries(settings).map(([name, value]) => [`npm_package_config_${name}`, value]))
  return spawn(process.execPath, ['--no-warnings', ...flags, file], {
    cwd: home,
    env: { PATH: process.env['PATH'], ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  })
}

function listening(program: ChildProcess): Promise<string> {
  return new Promise((resolve, reject) => {
    // It goes on writing: what is not read would hold it up.
    program.stdout?.on('data', (chunk: Buffer) => {
      const port = /Listening on .*:(\d+)\//.exec(chunk.toString())?.[1]
      if (port) resolve(port)
    })
    program.once('close', () => reject(new Error('the origin of the suite ended')))
  })
}
