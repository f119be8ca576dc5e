import { fromBinary, toBinary } from '@bufbuild/protobuf'
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire'
import { type FileDescriptorSet, FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { descriptors } from './shop.ts'

/** A rule of `google.api.http`, as far as tests write it. */
export interface Rule {
  readonly get?: string
  readonly post?: string
  readonly patch?: string
  readonly custom?: readonly [kind: string, path: string]
  readonly body?: string
  readonly responseBody?: string
  readonly additional?: readonly Rule[]
}

const numbers = { get: 2, post: 4, patch: 6, body: 7, responseBody: 12 } as const

/** The descriptors of the shop, in which the methods that are named have these rules, and the others none. */
export function annotated(rules: Readonly<Record<string, Rule | Uint8Array>>): Uint8Array {
  const set: FileDescriptorSet = fromBinary(FileDescriptorSetSchema, descriptors)
  for (const { service } of set.file) {
    for (const { method } of service) {
      for (const { name, options } of method) {
        if (!options) continue
        const rule = rules[name]
        delete options.$unknown
        if (!rule) continue
        const data = new BinaryWriter().bytes(rule instanceof Uint8Array ? rule : written(rule)).finish()
        options.$unknown = [{ no: 72_295_728, wireType: WireType.LengthDelimited, data }]
      }
    }
  }
  return toBinary(FileDescriptorSetSchema, set)
}

function written(rule: Rule): Uint8Array {
  const writer = new BinaryWriter()
  const add = (no: number, text: string) => writer.tag(no, WireType.LengthDelimited).string(text)
  for (const [name, no] of Object.entries(numbers)) {
    const text = rule[name as keyof typeof numbers]
    if (text !== undefined) add(no, text)
  }
  if (rule.custom) {
    const [kind, path] = rule.custom
    const custom = new BinaryWriter().tag(1, WireType.LengthDelimited).string(kind).tag(2, WireType.LengthDelimited).string(path)
    writer.tag(8, WireType.LengthDelimited).bytes(custom.finish())
  }
  for (const each of rule.additional ?? []) writer.tag(11, WireType.LengthDelimited).bytes(written(each))
  return writer.finish()
}
