/**
 * The hosts for which a route is asked at a listener: those that both of them name. Undefined: all hosts. Empty: none, so the
 * route does not belong there.
 */
export function sharedHostnames(listener: string | undefined, route: readonly string[] = []): readonly string[] | undefined {
  if (route.length === 0) return listener === undefined ? undefined : [listener]
  if (listener === undefined) return route
  return route.flatMap((hostname) => {
    if (covers(listener, hostname)) return [hostname]
    return covers(hostname, listener) ? [listener] : []
  })
}

/** Whether all hosts of `b` are hosts of `a`. */
function covers(a: string, b: string): boolean {
  if (a === b) return true
  const suffix = a.slice(1)
  return a.startsWith('*.') && b.replace(/^\*/, '').endsWith(suffix) && b.replace(/^\*/, '') !== suffix
}
