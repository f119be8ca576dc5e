import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where a program is: in `PATH` or where systems keep their daemons; undefined when it is nowhere. */
export function findProgram(name: string): string | undefined {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin']
  return folders
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isProgram)
}

/**
 * Where a program is that a test needs: `test.skipIf(!nginx)`, with `const nginx = requireProgram('nginx')`. Where
 * it is missing, a warning says so, and the test is skipped.
 * @throws Error when it is missing and `GATELET_REQUIRE_SERVICES=1`: then nothing may be skipped
 */
export function requireProgram(name: string): string | undefined {
  return required(name, findProgram(name))
}

/** What was found of a program, and what is said where nothing was. */
export function required(name: string, found: string | undefined): string | undefined {
  if (found) return found
  if (process.env['GATELET_REQUIRE_SERVICES'] === '1') throw new Error(`${name} is not installed, and nothing may be skipped`)
  process.emitWarning(`${name} is not installed: tests that need it are skipped`, 'GateletWarning')
  return undefined
}

/** Whether there is a file that can be run. */
export function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
