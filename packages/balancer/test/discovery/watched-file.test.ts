import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, rename, rm, symlink, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { watchedFile } from '@gatelet/balancer'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { watching } from './watching.ts'

let folder = ''
let path = ''
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatelet-'))
  path = join(folder, 'endpoints.json')
})
afterEach(() => rm(folder, { recursive: true }))

const write = (...urls: string[]) => writeFile(path, JSON.stringify(urls))

test('reads a list, and reads it again when it changes', async () => {
  await write('http://a')
  using seen = watching(watchedFile(path))
  await seen.when(() => seen.lists.length === 1)
  await write('http://a', 'http://b')
  await seen.advanceUntil(() => seen.urls.length === 2, 10)
  expect(seen.urls).toEqual(['http://a', 'http://b'])
})

test('follows the name: another file takes its place', async () => {
  await write('http://a')
  using seen = watching(watchedFile(path))
  await seen.when(() => seen.lists.length === 1)
  for (const url of ['http://b', 'http://c']) {
    await writeFile(`${path}.new`, JSON.stringify([url]))
    await rename(`${path}.new`, path)
    await seen.advanceUntil(() => seen.urls[0] === url, 10)
  }
})

test('follows a folder that is swapped behind a link, as Kubernetes does it', async () => {
  for (const [at, url] of ['http://a', 'http://b'].entries()) {
    await mkdir(join(folder, `v${at}`))
    await writeFile(join(folder, `v${at}`, 'endpoints.json'), JSON.stringify([url]))
  }
  await symlink('v0', join(folder, '..data'))
  await symlink('..data/endpoints.json', path)
  using seen = watching(watchedFile(path, { pollMs: 2_000_000_000 }))
  await seen.when(() => seen.lists.length === 1)
  await symlink('v1', join(folder, 'next'))
  await rename(join(folder, 'next'), join(folder, '..data'))
  await seen.advanceUntil(() => seen.urls[0] === 'http://b', 10)
})

test('follows the name of the folder: another one takes its place', async () => {
  const own = join(folder, 'current')
  path = join(own, 'endpoints.json')
  await mkdir(own)
  await write('http://a')
  using seen = watching(watchedFile(path, { pollMs: 1_000_000 }))
  await seen.when(() => seen.lists.length === 1 && seen.clock.pending === 1)
  await rename(own, join(folder, 'before'))
  await mkdir(own)
  await write('http://b')
  await seen.clock.advance(1_000_000)
  await seen.when(() => seen.urls[0] === 'http://b' && seen.clock.pending === 1)
  const lookedAt = seen.clock.now()
  await write('http://c')
  await seen.advanceUntil(() => seen.urls[0] === 'http://c', 10)
  // Long before it would be looked at by itself.
  expect(seen.clock.now() - lookedAt).toBeLessThan(900_000)
})

test('says nothing of a half-written file but that it cannot be read, then reads the whole', async () => {
  await write('http://a')
  using seen = watching(watchedFile(path))
  await seen.when(() => seen.lists.length === 1)
  await writeFile(path, '["http://b", "htt')
  await seen.advanceUntil(() => seen.failures.length > 0, 10)
  expect(seen.urls).toEqual(['http://a'])
  expect(seen.failures[0]).toMatch(/JSON/)
  await write('http://b', 'http://c')
  await seen.advanceUntil(() => seen.urls.length === 2, 10)
})

test('waits for a file that is not there yet, also where its folder is not', async () => {
  path = join(folder, 'later', 'endpoints.json')
  using seen = watching(watchedFile(path, { pollMs: 1_000 }))
  await seen.when(() => seen.failures.length === 1)
  expect(seen.failures[0]).toMatch(/ENOENT/)
  await mkdir(join(folder, 'later'))
  await write('http://a')
  await seen.advanceUntil(() => seen.urls.length === 1)
})

test('keeps what it found when the file goes, and reads it when it is back', async () => {
  await write('http://a')
  using seen = watching(watchedFile(path, { pollMs: 1_000_000 }))
  await seen.when(() => seen.lists.length === 1)
  await unlink(path)
  await seen.advanceUntil(() => seen.failures.length > 0, 10)
  expect(seen.lists).toHaveLength(1)
  await write('http://b')
  await seen.advanceUntil(() => seen.urls[0] === 'http://b', 10)
})

test.each([
  ['folder', () => mkdir(path)],
  // Whoever opened it to read would wait for a writer.
  ['pipe', () => promisify(execFile)('mkfifo', [path])],
])('a %s in its place is a failure, until a file is there again', async (_, make) => {
  await write('http://a')
  using seen = watching(watchedFile(path))
  await seen.when(() => seen.lists.length === 1)
  await unlink(path)
  await make()
  await seen.advanceUntil(() => seen.failures.some((message) => /no regular file/.test(message)), 10)
  await rm(path, { recursive: true })
  await write('http://b')
  await seen.advanceUntil(() => seen.urls[0] === 'http://b', 10)
})

test('looks now and then, where nothing tells of changes', async () => {
  await write('http://a')
  using seen = watching(watchedFile(path, { pollMs: 1_000 }))
  await seen.when(() => seen.lists.length === 1 && seen.clock.pending === 1)
  await seen.clock.advance(999)
  await seen.clock.advance(1)
  await seen.when(() => seen.clock.pending === 1)
  expect(seen.lists).toHaveLength(1)
})

test.each([
  ['no list', '{"endpoints": []}', /it holds no list/],
  ['more than 16 MiB', ' '.repeat(16 * 1024 * 1024 + 1), /larger than/],
])('a file with %s is a failure', async (_, text, message) => {
  await writeFile(path, text)
  using seen = watching(watchedFile(path))
  await seen.when(() => seen.failures.length > 0)
  expect(seen.failures[0]).toMatch(message)
})

test('ends: no change is told any more, and no timer is left', async () => {
  await write('http://a')
  const seen = watching(watchedFile(path))
  await seen.when(() => seen.lists.length === 1)
  seen.end()
  await write('http://b')
  await seen.clock.advance(60_000)
  expect(seen.lists).toHaveLength(1)
  expect(seen.clock.pending).toBe(0)
})
