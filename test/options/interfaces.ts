import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ts from 'typescript'

const root = fileURLToPath(new URL('../..', import.meta.url))
const packages = join(root, 'packages/')

/**
 * Every interface of options that users can write, with the names of its options: those that a package exports under a name
 * that ends in `Options`, and those that are given inside of them. Derived from the types, so that none is forgotten.
 */
export function optionInterfaces(): ReadonlyMap<string, readonly string[]> {
  const entries = readdirSync(packages).map((name) => join(packages, name, 'src/index.ts'))
  const { config } = ts.readConfigFile(join(root, 'tsconfig.base.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, root)
  const program = ts.createProgram(entries, { ...options, noEmit: true })
  const found = new Map<string, readonly string[]>()
  const reader = new Reader(program.getTypeChecker(), found)
  for (const entry of entries) for (const type of reader.exported(program.getSourceFile(entry))) reader.add(type)
  return found
}

class Reader {
  private readonly checker: ts.TypeChecker
  private readonly found: Map<string, readonly string[]>

  constructor(checker: ts.TypeChecker, found: Map<string, readonly string[]>) {
    this.checker = checker
    this.found = found
  }

  exported(file: ts.SourceFile | undefined): ts.Type[] {
    const module = file && this.checker.getSymbolAtLocation(file)
    const symbols = module ? this.checker.getExportsOfModule(module) : []
    return symbols
      .filter(({ name }) => name.endsWith('Options'))
      .map((symbol) => (symbol.flags & ts.SymbolFlags.Alias ? this.checker.getAliasedSymbol(symbol) : symbol))
      .filter(({ flags }) => flags & ts.SymbolFlags.Interface)
      .map((symbol) => this.checker.getDeclaredTypeOfSymbol(symbol))
  }

  add(type: ts.Type): void {
    const { name } = type.symbol
    if (this.found.has(name)) return
    this.found.set(name, [])
    this.found.set(name, this.optionsOf(type))
  }

  /** The names of options; of an object that has no interface of its own, as `cookies.domain`. */
  private optionsOf(type: ts.Type): string[] {
    return this.checker.getPropertiesOfType(type).flatMap((property) => {
      const inner = this.objectsIn(this.checker.getTypeOfSymbol(property))
      for (const each of inner) if (each.symbol.flags & ts.SymbolFlags.Interface) this.add(each)
      const unnamed = inner.filter((each) => each.symbol.flags & ts.SymbolFlags.TypeLiteral)
      return [property.name, ...unnamed.flatMap((each) => this.optionsOf(each).map((name) => `${property.name}.${name}`))]
    })
  }

  /** The objects of options in a type: members of unions, items of lists, values of records. */
  private objectsIn(type: ts.Type): ts.Type[] {
    if (type.isUnionOrIntersection()) return type.types.flatMap((each) => this.objectsIn(each))
    const item =
      this.checker.getIndexTypeOfType(type, ts.IndexKind.Number) ?? this.checker.getIndexTypeOfType(type, ts.IndexKind.String)
    if (item && (type.flags & ts.TypeFlags.Object) !== 0) return this.objectsIn(item)
    return this.isData(type) ? [type] : []
  }

  /** An object that is written down here and has no methods: a clock or a chain is a thing, not a set of options. */
  private isData(type: ts.Type): boolean {
    const declarations = type.symbol?.declarations ?? []
    const isOurs = declarations.some((each) => each.getSourceFile().fileName.startsWith(packages))
    const members = this.checker.getPropertiesOfType(type)
    const isThing = members.some(({ flags }) => flags & ts.SymbolFlags.Method) || type.getCallSignatures().length > 0
    return isOurs && members.length > 0 && !isThing
  }
}
