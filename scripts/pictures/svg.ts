/** Colours that can be told apart by those who see few, and on pages of both kinds. Shapes differ too. */
export const STYLE: string = [
  'text{font:13px system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;fill:#1f2328}',
  '.title{font-size:16px;font-weight:600}',
  '.soft{fill:#59636e}',
  '.middle{text-anchor:middle}',
  '.end{text-anchor:end}',
  '.page{fill:#fff;stroke:#d1d9e0}',
  '.grid{stroke:#d1d9e0}',
  '.strong{stroke:#59636e;stroke-dasharray:4 3}',
  '.s0{fill:#0969da;fill-opacity:.75}',
  '.s1{fill:#bc4c00;fill-opacity:.75}',
  '.s2{fill:#8250df;fill-opacity:.75}',
  '@media(prefers-color-scheme:dark){',
  'text{fill:#f0f6fc}',
  '.soft{fill:#9198a1}',
  '.page{fill:#0d1117;stroke:#3d444d}',
  '.grid{stroke:#3d444d}',
  '.strong{stroke:#9198a1}',
  '.s0{fill:#4493f8}',
  '.s1{fill:#f0883e}',
  '.s2{fill:#bc8cff}',
  '}',
].join('')

/** A dot, a diamond or a square, by the series that it belongs to. */
export function shape(series: number, x: number, y: number): string {
  if (series === 0) return `<circle class="s0" cx="${x}" cy="${y}" r="5"/>`
  if (series === 1) return `<path class="s1" d="M${x} ${y - 7}l7 7l-7 7l-7 -7z"/>`
  return `<path class="s2" d="M${x} ${y}m-5 -5h10v10h-10z"/>`
}

/** As the content of an element. */
export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
}
