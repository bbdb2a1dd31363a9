/**
 * Compiled programs → the constants of a module. What several programs share (sizes, kernels, tables) is one constant:
 *
 *     const s3: Size = { terms: [[40, 'batch']] } // 40 * batch
 *     const k0 = `@group(0) @binding(0) …`
 *     const gpu: CompiledProgram = { abi: 1, … }
 */
import type { Binding, CompiledProgram, Dispatch, Size } from '../../../runtime/abi.ts'
import { numberLiteral, objectKey, stringLiteral, templateLiteral, valueLiteral } from './literals.ts'

export interface PlanText {
  /** Statements that define what the programs use, in order. */
  readonly constants: readonly string[]
  /** One name per program. */
  readonly names: readonly string[]
}

export function planText(programs: readonly { readonly name: string; readonly program: CompiledProgram }[]): PlanText {
  const table = new Constants()
  // Kernels that are alike stand next to each other, where a compressor sees that they are.
  const texts = new Map<string, string>()
  for (const { program } of programs)
    for (const { name, wgsl } of program.pipelines) if (wgsl !== '') texts.set(wgsl, name)
  for (const [wgsl] of [...texts].sort(([, a], [, b]) => (a < b ? -1 : a > b ? 1 : 0))) table.kernel(wgsl)
  const definitions = programs.map(
    ({ name, program }) => `const ${name}: CompiledProgram = ${programText(program, table)}`,
  )
  return { constants: [...table.lines(), ...definitions], names: programs.map(({ name }) => name) }
}

class Constants {
  readonly #sizes = new Map<string, string>()
  readonly #namesOfSizes = new Map<Size, string>()
  readonly #kernels = new Map<string, string>()
  readonly #namesOfKernels = new Map<string, string>()
  readonly #origins = new Map<readonly unknown[], string>()
  readonly #labels = new Map<string, string>()
  readonly #keys = new Map<string, string>()
  readonly #parts = new Map<string, { readonly name: string; readonly type: string; readonly text: string }>()

  kernel(wgsl: string): string {
    const known = this.#namesOfKernels.get(wgsl) ?? named(this.#kernels, templateLiteral(wgsl), 'k')
    this.#namesOfKernels.set(wgsl, known)
    return known
  }
  size(size: Size): string {
    if (typeof size === 'number') return numberLiteral(size)
    const known = this.#namesOfSizes.get(size) ?? named(this.#sizes, this.#sum(size), 's')
    this.#namesOfSizes.set(size, known)
    return known
  }
  /** Of a dispatch: the lines of one kernel are told for each time that it is run. */
  origins(lines: readonly unknown[]): string {
    const known = this.#origins.get(lines)
    if (known !== undefined) return known
    const text = valueLiteral([...new Set(lines.map((line) => fileOnly(String(line))))])
    this.#origins.set(lines, text)
    return text
  }
  label(name: string): string {
    const known = this.#labels.get(name)
    if (known !== undefined) return known
    const text = stringLiteral(name)
    this.#labels.set(name, text)
    return text
  }
  key(name: string): string {
    const known = this.#keys.get(name)
    if (known !== undefined) return known
    const text = objectKey(name)
    this.#keys.set(name, text)
    return text
  }
  /** Something larger that programs may share. */
  part(type: string, text: string): string {
    const key = `${type}\0${text}`
    const known = this.#parts.get(key)
    if (known) return known.name
    const name = `p${this.#parts.size}`
    this.#parts.set(key, { name, type, text })
    return name
  }
  #sum({ terms }: Exclude<Size, number>): string {
    const factor = (f: Exclude<(typeof terms)[number][number], number>): string =>
      typeof f === 'string' ? stringLiteral(f) : `{ floor: [${this.size(f.floor[0])}, ${this.size(f.floor[1])}] }`
    const term = ([coefficient, ...factors]: (typeof terms)[number]): string =>
      `[${[numberLiteral(coefficient), ...factors.map((f) => factor(f as never))].join(', ')}]`
    return `{ terms: [${terms.map(term).join(', ')}] }`
  }

  lines(): string[] {
    return [
      ...[...this.#sizes].map(([text, name]) => `const ${name}: Size = ${text}`),
      ...[...this.#kernels].map(([text, name]) => `const ${name} = ${text}`),
      ...[...this.#parts.values()].map(({ name, type, text }) => `const ${name}: ${type} = ${text}`),
    ]
  }
}

function named(table: Map<string, string>, text: string, prefix: string): string {
  const name = table.get(text) ?? `${prefix}${table.size}`
  table.set(text, name)
  return name
}

/** Parts that programs of one model often share. */
const parts = ['arenas', 'tensors', 'pipelines', 'entries', 'parameters', 'states', 'moments', 'stepBlock'] as const

function programText(program: CompiledProgram, table: Constants): string {
  const shared = new Set<string>(parts)
  const fields = Object.entries(program).map(([key, value]) => {
    const text = partText(value, key, table)
    return `  ${objectKey(key)}: ${shared.has(key) ? table.part(`CompiledProgram['${key}']`, text) : text},`
  })
  return `{\n${fields.join('\n')}\n}`
}

/** Lists of objects go one to a line: people read them too. */
function partText(value: unknown, key: string, table: Constants): string {
  if (typeof value === 'number') return numberLiteral(value)
  if (typeof value === 'string') return key === 'wgsl' && value !== '' ? table.kernel(value) : stringLiteral(value)
  if (typeof value !== 'object' || value === null) return valueLiteral(value)
  if (Array.isArray(value)) {
    if (key === 'origins') return table.origins(value)
    // Why fusion stopped is for `dlmc inspect`.
    if (key === 'stops') return '[]'
    if (key === 'dispatches') return dispatchesText(value as Dispatch[], table)
    return listText(value, table)
  }
  if (isSum(value)) return table.size(value)
  if (isBinding(value)) return bindingText(value, table)
  let fields = ''
  for (const name in value) {
    const field: unknown = value[name as keyof typeof value]
    // A footprint without training says so.
    if (field === undefined && name !== 'training') continue
    fields += `${fields === '' ? '' : ', '}${table.key(name)}: ${partText(field, name, table)}`
  }
  return fields === '' ? '{}' : `{ ${fields} }`
}

function listText(list: readonly unknown[], table: Constants): string {
  let isLong = false
  const items: string[] = []
  for (let i = 0; i < list.length; i++) {
    items.push(partText(list[i], '', table))
    isLong ||= isLarge(list[i])
  }
  return isLong ? `[\n  ${items.join(',\n  ')},\n]` : `[${items.join(', ')}]`
}

/** Most of a module's text: the same as any list's, without asking each part what it is. */
function dispatchesText(dispatches: readonly Dispatch[], table: Constants): string {
  if (dispatches.length === 0) return '[]'
  const lines: string[] = Array.from({ length: dispatches.length })
  for (let at = 0; at < dispatches.length; at++) {
    const { pipeline, bindings, workgroups, label, flops, bytes, repeats, origins } = dispatches[at]!
    const [x, y, z] = workgroups
    lines[at] =
      `{ pipeline: ${pipeline}, bindings: ${bindingsText(bindings, table)}, workgroups: [${table.size(x)}, ${table.size(y)}, ${table.size(z)}], ` +
      `label: ${table.label(label)}, flops: ${table.size(flops)}, bytes: ${table.size(bytes)}, ` +
      `${repeats === undefined ? '' : `repeats: ${table.size(repeats)}, `}origins: ${table.origins(origins)}, stops: [] }`
  }
  return `[\n  ${lines.join(',\n  ')},\n]`
}

function bindingsText(bindings: readonly Binding[], table: Constants): string {
  let text = ''
  for (let i = 0; i < bindings.length; i++) {
    const binding = bindings[i]!
    if (!isWhole(binding)) return listText(bindings, table)
    text += `${i === 0 ? '' : ', '}${bindingText(binding, table)}`
  }
  return `[${text}]`
}

/** What has a function of the module for it. */
const isWhole = ({ access, turn }: Binding): boolean => turn === undefined && (access === 'read' || access === 'write')

const bindingText = ({ access, arena, offset, bytes }: Binding, table: Constants): string =>
  `${access}(${arena}, ${table.size(offset)}, ${table.size(bytes)})`

const isSum = (value: object): value is Exclude<Size, number> => 'terms' in value
const isLarge = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !isSum(value) && !isBinding(value) && !Array.isArray(value)

/** `read(arena, offset, bytes)` and `write(…)` are functions of the module; what says more is written as it is. */
function isBinding(value: object): value is Binding {
  if (!('access' in value) || value.access === 'uniform') return false
  let at = 0
  for (const name in value) if (name !== bindingKeys[at++]) return false
  return at === bindingKeys.length
}
const bindingKeys = ['arena', 'offset', 'bytes', 'access']

/** `models/mnist/softmax.dlm:8` → `softmax.dlm:8`: where it lay on the machine that compiled it is nobody's business. */
export const fileOnly = (origin: string): string =>
  origin.slice(Math.max(origin.lastIndexOf('/'), origin.lastIndexOf('\\')) + 1)
