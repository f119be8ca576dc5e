import { GatewayError, type Reply, text } from '@gatelet/core'
import { files } from './files.generated.ts'

const types: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
}

/** A file of the page. @throws GatewayError `NOT_FOUND` */
export function fileAt(place: string): Reply {
  const name = place === '/' ? 'index.html' : place.slice(1)
  const content = Object.hasOwn(files, name) ? files[name] : undefined
  if (content === undefined) throw new GatewayError('NOT_FOUND')
  const type = types[name.slice(name.lastIndexOf('.') + 1)] ?? 'application/octet-stream'
  return text(content, { headers: { 'content-type': type } })
}
