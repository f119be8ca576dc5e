import { fileURLToPath } from 'node:url'
import { nginx, nginxProxy } from './nginx.ts'

/** A proxy that is measured. */
export interface Subject {
  readonly id: string
  readonly title: string
  /** What starts it on a port. */
  command(port: number, origins: readonly string[]): string[]
}

/** In the order of the table; they run in an order of chance. */
export const subjects: readonly Subject[] = [
  node('gatelet-layers', 'Gatelet: 5 layers, router'),
  node('gatelet', 'Gatelet'),
  // What others are compared with.
  node('bare', 'bare undici.dispatch'),
  // The same program once more: how far the two are apart is how little a run can tell.
  node('control', 'bare again, as control', 'bare'),
  node('http-proxy', 'http-proxy 1.18.1'),
  ...(nginx ? [{ id: 'nginx', title: 'nginx, one worker', command: nginxProxy }] : []),
]

function node(id: string, title: string, file: string = id): Subject {
  const program = fileURLToPath(new URL(`dist/subjects/${file}.js`, import.meta.url))
  return { id, title, command: (port, origins) => [process.execPath, program, String(port), ...origins] }
}
