import { RouteTable } from '@gatelet/router'
import { expect, test } from 'vitest'

// What a look-up costs is counted in characters that it reads, so that a busy machine plays no part.

/** How many characters of the path a look-up reads; a piece that is cut out counts with its length. */
function reads(table: RouteTable<string>, path: string): number {
  let count = 0
  const counted = {
    length: path.length,
    charCodeAt(at: number) {
      count++
      return path.charCodeAt(at)
    },
    indexOf(text: string, from: number) {
      const found = path.indexOf(text, from)
      count += (found < 0 ? path.length : found) - from
      return found
    },
    includes(text: string, from: number) {
      count += path.length - from
      return path.includes(text, from)
    },
    slice(from: number, to?: number) {
      const cut = path.slice(from, to)
      count += cut.length
      return cut
    },
  }
  table.find({ method: 'GET', url: { host: '', path: counted as unknown as string } })
  return count
}

const tableOf = (paths: readonly string[]) => RouteTable.build(paths.map((path) => ({ path, data: path })))

/** Every pattern of `depth` segments that are `a` or a parameter: two to the power of it. */
function everyWay(depth: number): string[] {
  if (depth === 0) return ['']
  return everyWay(depth - 1).flatMap((path) => [`${path}/a`, `${path}/:p${depth}`])
}

const params = (count: number) => Array.from({ length: count }, (_, at) => `/:p${at}`).join('')

const tables: readonly (readonly [name: string, paths: readonly string[]])[] = [
  ['one rest', ['/*rest']],
  ['forty parameters', [`${params(40)}/end`]],
  ['a parameter at each depth', Array.from({ length: 30 }, (_, depth) => `${params(depth)}/a/end`)],
  ['a rest behind each depth', Array.from({ length: 30 }, (_, depth) => `${params(depth)}/*rest`)],
  ['every way to go by text or by parameter', everyWay(7).map((path) => `${path}/end`)],
  ['texts that begin alike', Array.from({ length: 100 }, (_, at) => `/${'a'.repeat(at + 1)}`)],
]

const paths: readonly (readonly [name: string, pathOf: (length: number) => string])[] = [
  ['of short segments', (length) => '/a'.repeat(length / 2)],
  ['of one long segment', (length) => `/${'a'.repeat(length - 1)}`],
  ['of slashes', (length) => '/'.repeat(length)],
  ['of escapes', (length) => '/%61'.repeat(length / 4)],
  ['that fits but for its end', (length) => `${'/a'.repeat(7)}/${'e'.repeat(length - 15)}`],
]

const cases = tables.flatMap(([table, routes]) => paths.map(([path, pathOf]) => ({ table, routes, path, pathOf })))

test.each(cases)('a path $path costs no more than its length with $table', ({ routes, pathOf }) => {
  const table = tableOf(routes)
  const [short, long] = [reads(table, pathOf(2_000)), reads(table, pathOf(16_000))]
  // Eight times the path, at most eight times the work, and what the patterns themselves cost comes once.
  expect(long).toBeLessThanOrEqual(8 * short)
  expect(long).toBeLessThanOrEqual(16_000 * 4 * (routes.length + 1))
})

test.each([6, 8, 10])('of two to the power of %i patterns, each node is visited at most once', (depth) => {
  const routes = everyWay(depth).map((path) => `${path}/end`)
  // Every pattern fits but for its end, and all ways are gone.
  const count = reads(tableOf(routes), `${'/a'.repeat(depth)}/enx`)
  const nodes = 2 ** (depth + 1)
  // At each: the character that leads on, the slashes around, a segment of one character twice over, and the end; and all that
  // once more, to tell a wrong method from no route.
  expect(count).toBeLessThanOrEqual(2 * nodes * 12)
  expect(count).toBeGreaterThan(nodes)
})

test('a table of many routes is read no more than one of few', () => {
  const few = Array.from({ length: 10 }, (_, at) => `/service-${at}/items/:id`)
  const many = Array.from({ length: 5_000 }, (_, at) => `/service-${at}/items/:id`)
  const path = '/service-7/items/4711'
  expect(reads(tableOf(many), path)).toBeLessThanOrEqual(2 * reads(tableOf(few), path))
})

test.each([100, 1_000, 10_000])('of a host of %i labels no more is read than the longest wildcard has', (labels) => {
  const hosts = ['*.a.test', '*.shop.example', 'b.test']
  const table = RouteTable.build(hosts.map((host) => ({ host, path: '/', data: host })))
  const host = `${'a.'.repeat(labels)}c`
  let count = 0
  const counted = {
    length: host.length,
    indexOf: (text: string, from: number) => host.indexOf(text, from),
    slice(from: number) {
      count += host.length - from
      return host.slice(from)
    },
  }
  table.find({ method: 'GET', url: { host: counted as unknown as string, path: '/' } })
  expect(count).toBeGreaterThan(0)
  expect(count).toBeLessThan(100)
})
