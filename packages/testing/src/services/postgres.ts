import { execFile } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { chown, mkdtemp, readFile, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { findProgram, isProgram, required } from '../programs.ts'
import { freePort, type ProgramUser, type RunningProgram, startProgram } from './running-program.ts'

/** How a PostgreSQL server is started. */
export interface PostgresInit {
  /** More settings: `{ max_connections: '10' }`. */
  readonly settings?: Readonly<Record<string, string>>
}

/** A PostgreSQL server that runs for a test. Whoever connects from 127.0.0.1 is believed. */
export interface RunningPostgres extends RunningProgram {
  /** Ends it as a crash does, and resolves when it has ended. What was committed stays. */
  crash(): Promise<void>
  /** Starts it on the same port again, with the same data. */
  start(): Promise<void>
}

/** Where PostgreSQL is, for `test.skipIf(!postgres)`; otherwise as `requireProgram`. */
export function requirePostgres(): string | undefined {
  return required('postgres', findPostgres())
}

/**
 * Starts PostgreSQL for a test: a cluster of its own in a folder that is removed afterwards, with the superuser and the database
 * `postgres`. It refuses to run as root: then it runs as the system's user `postgres`.
 * @throws Error with what it says when it does not start
 * @example await using server = await startPostgres(); const pool = new Pool({ connectionString: server.url })
 */
export async function startPostgres({ settings = {} }: PostgresInit = {}): Promise<RunningPostgres> {
  const program = await realpath(findPostgres() ?? 'postgres')
  const user = await unprivileged()
  const folder = await mkdtemp(join(tmpdir(), 'gatelet-postgres-'))
  const remove = () => rm(folder, { recursive: true, force: true })
  const port = await freePort()
  const start = async () => {
    // SIGKILL would leave shared memory behind.
    const args = () => argsOf(folder, port, settings)
    const started = await startProgram({ program, port, user, endSignal: 'SIGQUIT', args })
    await isReady(dirname(program), port)
    return started
  }
  let running: RunningProgram
  try {
    await initialise(dirname(program), folder, user)
    running = await start()
  } catch (error) {
    await remove()
    throw error
  }
  const close = async () => {
    await running.close()
    await remove()
  }
  return {
    url: `postgres://postgres@127.0.0.1:${port}/postgres`,
    port,
    signal: (name) => running.signal(name),
    crash: () => running.close(),
    async start() {
      running = await start()
    },
    close,
    [Symbol.asyncDispose]: close,
  }
}

// Debian keeps it out of PATH, a folder for each version.
function findPostgres(): string | undefined {
  const found = findProgram('postgres')
  if (found) return found
  const versions = '/usr/lib/postgresql'
  try {
    const newest = readdirSync(versions).sort((a, b) => Number(b) - Number(a))
    return newest.map((version) => join(versions, version, 'bin', 'postgres')).find(isProgram)
  } catch {
    return undefined
  }
}

async function initialise(bin: string, folder: string, user: ProgramUser | undefined): Promise<void> {
  if (user) await chown(folder, user.uid, user.gid)
  const args = ['-D', folder, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync']
  await promisify(execFile)(join(bin, 'initdb'), args, { cwd: folder, ...user })
}

// It listens before it is ready, to say so.
async function isReady(bin: string, port: number): Promise<void> {
  const ask = () => promisify(execFile)(join(bin, 'pg_isready'), ['-h', '127.0.0.1', '-p', String(port)])
  for (let asked = 0; asked < 200; asked++) {
    const isThere = await ask()
      .then(() => true)
      .catch(() => false)
    if (isThere) return
    await delay(50)
  }
  throw new Error('PostgreSQL listens, and is not ready within ten seconds')
}

// Nothing of it outlives the test, so nothing waits for a disk.
const usual = { fsync: 'off', full_page_writes: 'off', synchronous_commit: 'off', autovacuum: 'off' }

function argsOf(folder: string, port: number, settings: Readonly<Record<string, string>>): string[] {
  const own = { ...usual, listen_addresses: '127.0.0.1', port: String(port), unix_socket_directories: folder, ...settings }
  return ['-D', folder, ...Object.entries(own).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
}

async function unprivileged(): Promise<ProgramUser | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  const [, , uid, gid] = users.find(([name]) => name === 'postgres') ?? []
  if (uid === undefined) throw new Error('PostgreSQL does not run as root, and there is no user postgres')
  return { uid: Number(uid), gid: Number(gid) }
}
