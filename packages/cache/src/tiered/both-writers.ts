import type { StoredMeta } from '../policy/types.ts'
import type { EntryWriter } from '../store.ts'

/** What each store is given of meta data. */
export interface MetasOfBoth {
  near(meta: StoredMeta): StoredMeta
  far(meta: StoredMeta): StoredMeta
}

/** One entry on its way into two stores. It is stored when one of them has it. */
export class BothWriters implements EntryWriter {
  private near: EntryWriter | undefined
  private far: EntryWriter | undefined
  private readonly metas: MetasOfBoth
  private readonly meta: StoredMeta
  private readonly committed: () => void

  constructor(
    near: EntryWriter | undefined,
    far: EntryWriter | undefined,
    metas: MetasOfBoth,
    meta: StoredMeta,
    committed: () => void,
  ) {
    this.near = near
    this.far = far
    this.metas = metas
    this.meta = meta
    this.committed = committed
  }

  write(chunk: Uint8Array): boolean {
    if (this.near && !this.near.write(chunk)) this.near = undefined
    if (this.far && !this.far.write(chunk)) this.far = undefined
    return this.near !== undefined || this.far !== undefined
  }

  async commit(meta: StoredMeta = this.meta): Promise<boolean> {
    const { near, far } = this
    this.near = this.far = undefined
    // The far one first: what another process purges meanwhile is noted there.
    const isFar = (await far?.commit(this.metas.far(meta))) ?? false
    const isNear = (await near?.commit(this.metas.near(meta))) ?? false
    this.committed()
    return isNear || isFar
  }

  abort(): void {
    this.near?.abort()
    this.far?.abort()
    this.near = this.far = undefined
  }
}
