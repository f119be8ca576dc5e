import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

// On sources like the tests themselves, unless these run on what users install.
const conditions = process.env['GATELET_DIST'] === '1' ? [] : ['--conditions=@gatelet/source']

/** Runs a program that stands beside the tests, and reads what it prints as JSON. @throws Error when it fails */
export async function childJson<T>(program: string, env: Readonly<Record<string, string>> = {}): Promise<T> {
  const path = fileURLToPath(new URL(program, import.meta.url))
  const { stdout } = await promisify(execFile)(process.execPath, [...conditions, '--expose-gc', '--import', 'tsx', path], {
    env: { ...process.env, ...env },
    timeout: 240_000,
  })
  return JSON.parse(stdout) as T
}
