import { amended, type Context, errorTable, type Handler, problem, type Reply } from '@gatelet/core'
import { addVary } from '../filters/vary.ts'
import { mountedAt, mountedIn } from '../mounted.ts'
import { announcement } from './announce.ts'
import { type VersionReader, versionReader, versionSegment } from './version-source.ts'
import { type CheckedVersions, checkedVersions, type VersionsOptions } from './versions-options.ts'

/**
 * Answers by one of several versions of an API, named in the path, a header field or a media type. Handlers see which in
 * `ctx.state.version`; by path, routers and `stripPrefix` behind see the rest of the path, as behind `router.mount`.
 *
 * A version that is not there is refused with a problem that lists those that are: 404 by path, 400 by header field, 406 by
 * media type. Replies tell `Vary`, and of a version that will end `Deprecation` (RFC 9745), `Sunset` (RFC 8594) and `Link`.
 * @throws GatewayError `BAD_OPTION`
 * @example
 * versions({ by: 'path', default: '2', versions: { '1': { handler: old, sunset: '2027-06-30' }, '2': proxy(users) } })
 */
export function versions<V extends string, S extends object = {}>(given: VersionsOptions<V, S>): Handler<S> {
  const checked = checkedVersions(given)
  const reader = versionReader(checked.by)
  const answers = answersOf(checked, reader)
  const fallback = checked.default === undefined ? undefined : answers.get(checked.default)
  const isThere = (name: string | undefined) => (name === undefined ? fallback !== undefined : answers.has(name))
  const handler: Handler = function versions(ctx) {
    const asked = reader.read(ctx, isThere)
    const answer = asked === undefined ? fallback : answers.get(asked)
    if (!answer) return refusal(reader, checked)
    return answer(asked !== undefined && checked.by === 'path' ? behindSegment(ctx) : ctx)
  }
  return handler as unknown as Handler<S>
}

/** By what a request may name: the versions, and `latest`. */
function answersOf(checked: CheckedVersions, reader: VersionReader): ReadonlyMap<string, Handler> {
  const answers = new Map<string, Handler>()
  for (const [name, version] of Object.entries(checked.versions)) {
    const announce = announcement(version, reader.field)
    const { handler } = version
    const known = { version: name }
    answers.set(name, announce ? (ctx) => amended(ctx.with(known), handler, announce) : (ctx) => handler(ctx.with(known)))
  }
  const latest = checked.latest === undefined ? undefined : answers.get(checked.latest)
  if (latest) answers.set('latest', latest)
  return answers
}

/** The context in which the version's segment of the path is used up. */
function behindSegment(ctx: Context): Context {
  const { path } = ctx.request.url
  const outer = mountedIn(ctx)
  const segment = versionSegment(ctx)
  const end = (outer?.end ?? 0) + 1 + segment.length
  return ctx.with(mountedAt({ path, end, route: `${outer?.route ?? ''}/${segment}` }))
}

function refusal(reader: VersionReader, { versions, latest }: CheckedVersions): Reply {
  const { status, title } = errorTable[reader.refusal]
  const known = [...Object.keys(versions), ...(latest === undefined ? [] : ['latest'])]
  const detail = `${reader.advice}. There are ${known.join(', ')}`
  const reply = problem({ status, title, detail, more: { code: reader.refusal, versions: known } })
  if (reader.field !== undefined) addVary(reply.headers, reader.field)
  return reply
}
