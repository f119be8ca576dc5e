import { createFileRegistry, type DescMethod, type FileRegistry, fromBinary } from '@bufbuild/protobuf'
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt'
import { GatewayError } from '@gatelet/core'
import { type Binding, bindingsOf } from './binding.ts'
import { httpRuleOf, isAnnotated } from './http-rule.ts'
import { TemplateTree } from './template-tree.ts'

/** What the descriptors say: the types, and which method answers which request. */
export interface MethodTable {
  readonly registry: FileRegistry
  readonly tree: TemplateTree<Binding>
}

/**
 * Reads descriptors, and checks every annotation.
 * @param services full names; undefined for all
 * @throws GatewayError `BAD_OPTION` that names the method
 */
export function methodTable(descriptors: Uint8Array, services: readonly string[] | undefined): MethodTable {
  const registry = registryOf(descriptors)
  const tree = new TemplateTree<Binding>()
  for (const method of methodsOf(registry, services)) add(tree, method)
  return { registry, tree }
}

function registryOf(descriptors: Uint8Array): FileRegistry {
  try {
    return createFileRegistry(fromBinary(FileDescriptorSetSchema, descriptors))
  } catch (cause) {
    const message = `descriptors must be a google.protobuf.FileDescriptorSet with everything that it imports, as protoc --include_imports writes it (${messageOf(cause)})`
    throw new GatewayError('BAD_OPTION', { path: 'descriptors', message, cause })
  }
}

function methodsOf(registry: FileRegistry, names: readonly string[] | undefined): DescMethod[] {
  const services = names?.map((name, at) => {
    const service = registry.getService(name)
    const message = `services[${at}] must be a service of the descriptors, with its package (got ${JSON.stringify(name)})`
    if (!service) throw new GatewayError('BAD_OPTION', { path: `services[${at}]`, message })
    return service
  })
  const all = services ?? [...registry].filter((desc) => desc.kind === 'service')
  const methods = all.flatMap((service) => service.methods)
  if (methods.some((method) => isAnnotated(method))) return methods
  const message = 'descriptors must have a method with an option google.api.http'
  throw new GatewayError('BAD_OPTION', { path: services ? 'services' : 'descriptors', message })
}

function add(tree: TemplateTree<Binding>, method: DescMethod): void {
  for (const binding of checkedBindings(method)) {
    const other = tree.add(binding.verb, binding.template, binding)
    if (other) throw bad(method, `it answers the same requests as ${nameOf(other.method)}`)
  }
}

function checkedBindings(method: DescMethod): Binding[] {
  try {
    const rule = httpRuleOf(method)
    return rule ? bindingsOf(method, rule) : []
  } catch (cause) {
    throw bad(method, messageOf(cause))
  }
}

function bad(method: DescMethod, why: string): GatewayError {
  const message = `the option google.api.http of ${nameOf(method)} is not right: ${why}`
  return new GatewayError('BAD_OPTION', { path: 'descriptors', message })
}

/** `shop.v1.Shop.GetItem` */
const nameOf = ({ parent, name }: DescMethod): string => `${parent.typeName}.${name}`

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown))
