// On the function itself, and known in every copy of this module: of two copies one must not overlook what the other has marked.
const strict = Symbol.for('gatelet.strict-paths')

/**
 * Says of a layer that what it decides depends on the path: who may, what is known already. In front of a framework, whose own router
 * reads paths in its own way, it stands with `strictPaths` then, unless that is switched off there.
 * @returns the same layer. Chains with it are known for it; another function around it must say so for itself
 */
export function withStrictPaths<F extends (...args: never[]) => unknown>(layer: F): F {
  return Object.defineProperty(layer, strict, { value: true, configurable: true })
}

/** Whether a layer, or one that is a part of it, wants strict paths. */
export function wantsStrictPaths(layer: unknown): boolean {
  return typeof layer === 'function' && (layer as { [strict]?: boolean })[strict] === true
}
