/**
 * Kernels as stable text, for `--print kernels` and for goldens:
 *
 *     map relu
 *       t0 read  float[batch, 10] %3 input
 *       t1 write float[batch, 10] %5 maximum
 *       for i0 < 10*batch
 *         t1[i0] = max(t0[i0], 0)
 *
 * Values used more than once are named first, as `v0`, in the order of their definition.
 */
import { printDims } from './dim.ts'
import type { Axis, Guard, Index, Kernel, Scalar, Store } from './kernel.ts'

export function printKernel(kernel: Kernel): string {
  const lines = [`${kernel.kind} ${kernel.name}`]
  kernel.slots.forEach(({ node, access }, slot) => {
    lines.push(`  t${slot} ${access.padEnd(6)} ${node.dtype}${printDims(node.shape)} %${node.id} ${node.op}`)
  })
  lines.push(...bodyOf(kernel).map((line) => `  ${line}`))
  for (const reason of new Set(kernel.stops.map((stop) => stop.reason))) lines.push(`  ends because ${reason}`)
  return lines.join('\n')
}

function bodyOf(kernel: Kernel): string[] {
  switch (kernel.kind) {
    case 'map':
      return [printLoops('for', kernel.axes), ...indent(block(storeLines(kernel.stores)))]
    case 'row': {
      const lines: string[] = []
      kernel.stages.forEach(({ combine, value }, stage) => {
        lines.push(`s${stage} = ${combine} ${printLoops('over', kernel.row)}`, ...indent(block([{ lead: '', value }])))
      })
      if (kernel.stores.length > 0)
        lines.push(printLoops('for', kernel.row), ...indent(block(storeLines(kernel.stores))))
      if (kernel.results.length > 0) lines.push('then', ...indent(block(storeLines(kernel.results))))
      return [printLoops('for', kernel.outer), ...indent(lines)]
    }
    case 'contract': {
      const parts = (['batch', 'rows', 'columns'] as const).filter((part) => kernel[part].length > 0)
      const loops = parts.map((part) => printLoops(`${part}`, kernel[part]))
      return [
        ...(loops.length > 0 ? loops : ['once']),
        ...indent([
          `sum ${printLoops('over depth', kernel.depth)}`,
          ...indent([
            ...block([{ lead: 'left ', value: kernel.left }]),
            ...block([{ lead: 'right ', value: kernel.right }]),
          ]),
          ...block(storeLines(kernel.stores)),
        ]),
      ]
    }
    case 'scatter':
      return [
        printLoops('for entries', [kernel.entries]),
        ...indent(block([{ lead: `position < ${kernel.size.key}: `, value: kernel.position }])),
        printLoops('before', kernel.before),
        printLoops('after', kernel.after),
        ...indent(block([{ lead: `t${kernel.output}[…, position, …] += `, value: kernel.value }])),
      ]
    case 'attention':
      return [
        printLoops('for', kernel.outer),
        ...indent([
          `${kernel.score ? 'online sum' : 'sum'} ${printLoops('over', kernel.row)}`,
          ...indent([
            ...(kernel.score ? block([{ lead: 'score ', value: kernel.score }]) : []),
            ...block([{ lead: 'weight ', value: kernel.weight }]),
            ...block([{ lead: `value ${printLoops('for', kernel.columns)}: `, value: kernel.value }]),
          ]),
          printLoops('for', kernel.columns),
          ...indent(block(storeLines(kernel.stores))),
          ...(kernel.results.length > 0 ? ['then', ...indent(block(storeLines(kernel.results)))] : []),
        ]),
      ]
    case 'running': {
      const how = [kernel.reverse ? 'reverse' : '', kernel.exclusive ? 'exclusive' : ''].filter(Boolean).join(' ')
      return [
        printLoops('for', kernel.outer),
        ...indent([
          `running sum ${printLoops('along', [kernel.row])}${how && ` ${how}`}`,
          ...indent([...block([{ lead: 'of ', value: kernel.value }]), ...block(storeLines([kernel.store]))]),
        ]),
      ]
    }
    default:
      return kernel satisfies never
  }
}

interface Line {
  readonly lead: string | ((print: (scalar: Scalar) => string) => string)
  readonly value: Scalar
}
const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`)
const printLoops = (word: string, axes: readonly Axis[]): string =>
  axes.length === 0
    ? `${word} nothing`
    : `${word} ${axes.map(({ name, extent }) => `${name} < ${extent.key}`).join(', ')}`
const storeLines = (stores: readonly Store[]): Line[] =>
  stores.map(({ slot, index, value }) => ({ lead: (print) => `t${slot}[${printIndex(index, print)}] = `, value }))

/** Lines over one pool of named values. */
function block(lines: readonly Line[]): string[] {
  const uses = new Map<Scalar, number>()
  const count = (scalar: Scalar) => {
    const times = (uses.get(scalar) ?? 0) + 1
    uses.set(scalar, times)
    if (times === 1) for (const child of childrenOf(scalar)) count(child)
  }
  for (const { value } of lines) count(value)
  const printed: string[] = []
  const names = new Map<Scalar, string>()
  /** What depends on the axes of a loop inside a lane is printed in place, not named outside the loop. */
  const free = new Map<Scalar, ReadonlySet<Axis>>()
  const bound = new Set<Axis>()
  for (const scalar of uses.keys()) if (scalar.kind === 'reduce') for (const axis of scalar.axes) bound.add(axis)
  const axesOf = (scalar: Scalar): ReadonlySet<Axis> => {
    const known = free.get(scalar)
    if (known) return known
    const axes = new Set<Axis>()
    free.set(scalar, axes)
    for (const axis of ownAxes(scalar)) if (bound.has(axis)) axes.add(axis)
    for (const child of childrenOf(scalar)) for (const axis of axesOf(child)) axes.add(axis)
    if (scalar.kind === 'reduce') for (const axis of scalar.axes) axes.delete(axis)
    return axes
  }
  const print = (scalar: Scalar): string => {
    const name = names.get(scalar)
    if (name) return name
    const text = printScalar(scalar, print)
    const small =
      scalar.kind === 'number' || scalar.kind === 'stage' || scalar.kind === 'accumulator' || scalar.kind === 'position'
    if (small || uses.get(scalar)! < 2 || axesOf(scalar).size > 0) return text
    const made = `v${names.size}`
    names.set(scalar, made)
    printed.push(`${made} = ${text}`)
    return made
  }
  for (const { lead, value } of lines) {
    const text = print(value)
    printed.push(`${typeof lead === 'string' ? lead : lead(print)}${text}`)
  }
  return printed
}

function printScalar(scalar: Scalar, print: (scalar: Scalar) => string): string {
  switch (scalar.kind) {
    case 'number':
      return scalar.dtype === 'bool'
        ? String(scalar.value !== 0)
        : Object.is(scalar.value, -0)
          ? '-0'
          : String(scalar.value)
    case 'load':
      return `t${scalar.slot}[${printIndex(scalar.index, print)}]`
    case 'apply':
      return `${scalar.fn}(${scalar.arguments.map(print).join(', ')})`
    case 'position':
      return `${scalar.dtype}(${printIndex(scalar.index, print)})`
    case 'guarded':
      return `(${scalar.guards.map((guard) => printGuard(guard, print)).join(' and ')} ? ${print(scalar.value)} : ${print(scalar.otherwise)})`
    case 'reduce':
      return `${scalar.combine}{${scalar.axes.map(({ name, extent }) => `${name} < ${extent.key}`).join(', ')}: ${print(scalar.value)}}`
    case 'stage':
      return `s${scalar.stage}`
    case 'accumulator':
      return 'sum'
    default:
      return scalar satisfies never
  }
}

const printGuard = (guard: Guard, print: (scalar: Scalar) => string): string =>
  guard.kind === 'inside'
    ? `0 <= ${printIndex(guard.index, print)} < ${guard.size.key}`
    : `${guard.by.key} | ${printIndex(guard.index, print)}`

export function printIndex(index: Index, print: (scalar: Scalar) => string): string {
  const bracket = (i: Index) => (i.kind === 'sum' ? `(${printIndex(i, print)})` : printIndex(i, print))
  switch (index.kind) {
    case 'dim':
      return index.dim.key
    case 'axis':
      return index.axis.name
    case 'data':
      return `[${print(index.value)}]`
    case 'quotient':
      return `${bracket(index.index)} // ${index.by.terms.length > 1 ? `(${index.by.key})` : index.by.key}`
    case 'remainder':
      return `${bracket(index.index)} % ${index.by.terms.length > 1 ? `(${index.by.key})` : index.by.key}`
    case 'sum': {
      const terms = index.terms.map(({ factor, index: part }) => {
        const inner =
          part.kind === 'quotient' || part.kind === 'remainder'
            ? `(${printIndex(part, print)})`
            : printIndex(part, print)
        if (factor.constant === 1) return inner
        if (factor.constant === -1) return `-${inner}`
        return `${factor.terms.length > 1 ? `(${factor.key})` : factor.key}*${inner}`
      })
      if (index.offset.key !== '0') terms.push(index.offset.key)
      return terms.join(' + ').replaceAll('+ -', '- ')
    }
    default:
      return index satisfies never
  }
}

function childrenOf(scalar: Scalar): readonly Scalar[] {
  switch (scalar.kind) {
    case 'apply':
      return scalar.arguments
    case 'guarded':
      return [...scalar.guards.flatMap((guard) => dataOf(guard.index)), scalar.value, scalar.otherwise]
    case 'reduce':
      return [scalar.value]
    case 'load':
    case 'position':
      return dataOf(scalar.index)
    default:
      return []
  }
}

function dataOf(index: Index): readonly Scalar[] {
  switch (index.kind) {
    case 'data':
      return [index.value]
    case 'sum':
      return index.terms.flatMap((term) => dataOf(term.index))
    case 'quotient':
    case 'remainder':
      return dataOf(index.index)
    default:
      return []
  }
}

function ownAxes(scalar: Scalar): readonly Axis[] {
  const indices =
    scalar.kind === 'load' || scalar.kind === 'position'
      ? [scalar.index]
      : scalar.kind === 'guarded'
        ? scalar.guards.map((g) => g.index)
        : []
  const axes: Axis[] = []
  const visit = (index: Index) => {
    if (index.kind === 'axis') axes.push(index.axis)
    else if (index.kind === 'sum') for (const term of index.terms) visit(term.index)
    else if (index.kind === 'quotient' || index.kind === 'remainder') visit(index.index)
  }
  indices.forEach(visit)
  return axes
}
