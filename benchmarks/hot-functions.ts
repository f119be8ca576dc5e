/** What `node --cpu-prof` writes, as far as it is read here. Times are in microseconds, by the clock of `hrtime`. */
export interface CpuProfile {
  readonly nodes: readonly CallNode[]
  readonly startTime: number
  /** The node that was on top of the stack, and the time since the sample before. */
  readonly samples: readonly number[]
  readonly timeDeltas: readonly number[]
}

interface CallNode {
  readonly id: number
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number }
}

/** Something that takes time, and its share (0 to 1) of all time that was not idle. */
export interface Hot {
  readonly name: string
  readonly share: number
}

/** Functions by the time spent in themselves, without what they call. */
export function hotFunctions(profile: CpuProfile, fromUs: number, toUs: number): Hot[] {
  return shares(profile, fromUs, toUs, ({ functionName, url, lineNumber }) => {
    if (url === '') return functionName
    return `${functionName || '(anonymous)'} ${shortened(url)}:${lineNumber + 1}`
  })
}

/** The same, by package. */
export function hotPackages(profile: CpuProfile, fromUs: number, toUs: number): Hot[] {
  return shares(profile, fromUs, toUs, ({ functionName, url }) => {
    // "(garbage collector)" and "(program)", which is native code.
    if (url === '') return functionName.startsWith('(') ? functionName : 'native functions'
    return url.startsWith('node:') ? 'node' : shortened(url).replace(/^((?:@[^/]+\/)?[^/:]+).*/, '$1')
  })
}

function shares(profile: CpuProfile, fromUs: number, toUs: number, nameOf: (frame: CallNode['callFrame']) => string): Hot[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]))
  const times = new Map<string, number>()
  let busy = 0
  let at = profile.startTime
  profile.samples.forEach((id, i) => {
    const us = profile.timeDeltas[i] ?? 0
    at += us
    const name = names.get(id) ?? '(unknown)'
    if (at < fromUs || at > toUs || name === '(idle)') return
    times.set(name, (times.get(name) ?? 0) + us)
    busy += us
  })
  return [...times].map(([name, us]) => ({ name, share: us / busy })).sort((a, b) => b.share - a.share)
}

// 'file:///…/node_modules/undici/lib/core/util.js' becomes 'undici/lib/core/util.js'.
function shortened(url: string): string {
  return url
    .replace(/^.*\/node_modules\//, '')
    .replace(/^.*\/packages\/(.+)\/dist\//, '@gatelet/$1/')
    .replace(/^.*\/benchmarks\/dist\//, 'benchmarks/')
}
