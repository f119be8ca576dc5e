import { vi } from 'vitest'

/** The warnings of the process from now on; none is printed. */
export function warnings(): string[] {
  const texts: string[] = []
  vi.spyOn(process, 'emitWarning').mockImplementation((warning) => void texts.push(String(warning).split('\n')[0] ?? ''))
  return texts
}
