import type { Fault, Verdict } from './cell.ts'

/** What all proxies did with one fault, in the order of the proxies. */
export interface Row {
  readonly fault: Pick<Fault, 'title' | 'must'>
  readonly verdicts: readonly Verdict[]
}

/** How many faults each proxy met rightly, in the order of the proxies. */
export function rightCounts(rows: readonly Row[]): number[] {
  const [first] = rows
  return (first?.verdicts ?? []).map((_, at) => rows.filter(({ verdicts }) => verdicts[at]?.isRight).length)
}

/** The table in Markdown. */
export function table(titles: readonly string[], rows: readonly Row[]): string {
  const lines = rows.map(({ fault, verdicts }, at) => [
    `${at + 1}`,
    fault.title,
    fault.must,
    ...verdicts.map(({ isRight, seen }) => `${isRight ? '✓' : '✗'} ${seen}`),
  ])
  const total = ['', '**right**', '', ...rightCounts(rows).map((count) => `**${count} of ${rows.length}**`)]
  return [['', 'fault', 'must', ...titles], ['---', '---', '---', ...titles.map(() => '---')], ...lines, total]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n')
}
