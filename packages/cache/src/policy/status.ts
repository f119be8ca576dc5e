// RFC 9110 §15.1, without 206: parts are not stored.
const heuristic = new Set([200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501])

// Those whose rules for caches are followed here; `must-understand` asks for no less (RFC 9111 §5.2.2.3).
const understood = new Set([...heuristic, 302, 303, 307])

// They tell of who asked, of the connection or of the moment, not of the resource (RFC 9110 §15.5, RFC 6585): stored, the
// answer to one bad request would be the answer to all.
const never = new Set([400, 401, 403, 406, 407, 408, 412, 413, 416, 417, 421, 425, 426, 428, 429, 431, 511])

/** Whether a response of this status may be stored without a word on how long (RFC 9110 §15.1). */
export const isHeuristicallyCacheable = (status: number): boolean => heuristic.has(status)

/** Whether the status is one whose meaning for caches is known here. */
export const isUnderstood = (status: number): boolean => understood.has(status)

/** Whether a status can be stored at all. Parts (206) are not put together, a 304 is no response of its own. */
export const isStorableStatus = (status: number): boolean =>
  status >= 200 && status < 600 && status !== 206 && status !== 304 && !never.has(status)
