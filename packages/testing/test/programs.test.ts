import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { findProgram, requireProgram } from '@gatelet/testing'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'

let folder = ''

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'gatelet-programs-'))
  writeFileSync(join(folder, 'gatelet-program'), '#!/bin/sh\n')
  writeFileSync(join(folder, 'gatelet-text'), 'text')
  mkdirSync(join(folder, 'gatelet-folder'))
  chmodSync(join(folder, 'gatelet-program'), 0o755)
  vi.stubEnv('PATH', ['', join(folder, 'missing'), folder].join(delimiter))
  vi.stubEnv('GATELET_REQUIRE_SERVICES', '0')
})

afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(folder, { recursive: true })
})

test('finds a program on the path', () => {
  expect(findProgram('gatelet-program')).toBe(join(folder, 'gatelet-program'))
  expect(requireProgram('gatelet-program')).toBe(join(folder, 'gatelet-program'))
})

test.each(['gatelet-folder', 'gatelet-text', 'gatelet-missing'])('takes %s for no program', (name) => {
  expect(findProgram(name)).toBeUndefined()
})

test('says that tests are skipped without a program', () => {
  const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  expect(requireProgram('gatelet-missing')).toBeUndefined()
  expect(warn).toHaveBeenCalledWith('gatelet-missing is not installed: tests that need it are skipped', 'GateletWarning')
})

test('fails without a program where nothing may be skipped', () => {
  vi.stubEnv('GATELET_REQUIRE_SERVICES', '1')
  expect(() => requireProgram('gatelet-missing')).toThrow('gatelet-missing is not installed, and nothing may be skipped')
})
