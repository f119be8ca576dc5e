import { readdirSync, readFileSync } from 'node:fs'

const folder = new URL('../packages/dashboard/', import.meta.url)
const read = (path: string) => readFileSync(new URL(path, folder), 'utf8')

/** The module that holds the page: what stands in `page/`, and uPlot with its licence. */
export function pageModule(): string {
  const own = readdirSync(new URL('page/', folder)).map((name) => [name, read(`page/${name}`)] as const)
  const licence = read('node_modules/uplot/LICENSE')
  const uplot = (path: string) =>
    `/*!\nuPlot, https://github.com/leeoniya/uPlot\n\n${licence.trim()}\n*/\n${read(`node_modules/uplot/dist/${path}`)}`
  const files = [...own, ['uplot.css', uplot('uPlot.min.css')], ['uplot.js', uplot('uPlot.iife.min.js')]] as const
  return [
    '// biome-ignore-all format: written by a program',
    '// biome-ignore-all lint: what is in it is looked at where it comes from',
    '/** The files of the page by name, written by `pnpm dashboard:page` from `page/` and uPlot (MIT; its licence stands in its files). */',
    'export const files: Readonly<Record<string, string>> = {',
    ...[...files]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, text]) => `  ${JSON.stringify(name)}: ${JSON.stringify(text)},`),
    '}',
    '',
  ].join('\n')
}
