// Relative to this file, so that it holds under any prefix.
const base = new URL('api/v1/', import.meta.url)

export const session = {}

export async function loadSession() {
  Object.assign(session, await get('session'))
}

export async function get(place, query = {}) {
  const url = new URL(place, base)
  for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
  return answerOf(await fetch(url, { headers: { accept: 'application/json' } }))
}

/** Asks for a change. When the process has been started again, its token is another one: once more with that. */
export async function change(place, what) {
  const ask = () =>
    fetch(new URL(place, base), {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-csrf-token': session.csrfToken },
      body: JSON.stringify(what),
    })
  let reply = await ask()
  if (reply.status === 403) {
    await loadSession()
    reply = await ask()
  }
  return answerOf(reply)
}

export const tail = () => new EventSource(new URL('tail', base))

async function answerOf(reply) {
  const body = await reply.json().catch(() => ({}))
  if (!reply.ok) throw new Error(body.detail ?? body.title ?? `the answer was ${reply.status}`)
  return body
}
