/**
 * The state of one elaboration: the graph being built, the faults found, where in the source and in the tree of layers
 * we are, and how much work is left before the program is refused as too large.
 */
import type { Span } from '../../grammar/source.ts'
import { type DiagnosticRow, report } from '../diagnostics/catalogue.ts'
import type { Diagnostic } from '../diagnostics/diagnostic.ts'
import * as statics from '../diagnostics/static.ts'
import type { Dim } from '../ir/dim.ts'
import type { Node, Origin } from '../ir/graph.ts'
import type { GraphBuilder } from '../ops/builder.ts'
import type { CarryPort, Expectation, ModelGraph } from '../program.ts'
import { type Blueprint, type Instance, makeInstance, type Variable } from './instance.ts'
import { noPorts, type Ports } from './ports.ts'
import type { DimSource } from './provenance.ts'
import type { OpenScan } from './scan.ts'
import { Scope } from './scope.ts'
import type { Folding, OpenStack } from './stack.ts'
import { poison, type Value } from './value.ts'
import type { Declared } from './variables.ts'

export const limits = {
  /** Calls within calls, and layers within layers. */
  depth: 128,
  nodes: 100_000,
  /** Work of one elaboration: an expression counts 1, a node and a layer more, by what they cost to make. */
  steps: 1_000_000,
  /** Items of a static list. */
  items: 1_000_000,
  diagnostics: 100,
}

/** Gathers diagnostics; the same fault at the same place (a module used twelve times) is kept once. */
export class Sink {
  readonly diagnostics: Diagnostic[] = []
  readonly #seen = new Set<string>()
  readonly #sources = new Map<object, number>()

  add(diagnostic: Diagnostic): void {
    const at = diagnostic.primary?.span
    if (at) {
      if (!this.#sources.has(at.source)) this.#sources.set(at.source, this.#sources.size)
      const key = `${diagnostic.code} ${this.#sources.get(at.source)} ${at.start} ${at.end}`
      if (this.#seen.has(key)) return
      this.#seen.add(key)
    }
    this.diagnostics.push(diagnostic)
    if (this.errors >= limits.diagnostics) throw new Abandoned()
  }
  /** Takes back what was said last: something that says more is about to be. */
  withdraw(from: number): void {
    this.diagnostics.length = Math.min(this.diagnostics.length, from)
  }
  /** Whether a message may still look for what was meant: that takes time, and past some faults nobody reads it. */
  get suggests(): boolean {
    return this.diagnostics.length < 20
  }
  get errors(): number {
    return this.diagnostics.reduce((n, d) => n + (d.severity === 'error' ? 1 : 0), 0)
  }
}

/** Where statements run: decides which statements make sense and who owns what they declare. */
export interface Frame {
  readonly kind: 'static' | 'model' | 'members' | 'forward' | 'function' | 'chain' | 'test' | 'scan'
  /** Of the body of a scan: what it stands in. */
  readonly around?: Frame['kind'] | undefined
  readonly owner: Instance
  /** How many anonymous layers of each kind this call of the owner has made. */
  readonly anonymous: Map<string, number>
  /** Names of layers made in this call, to find a name used twice. */
  readonly named: Map<string, Span>
  /** `[3]` inside the fourth turn of a `for`: part of the names of layers made there. */
  readonly turns: string
}

export interface Elaboration {
  readonly sink: Sink
  /** Absent where only static values make sense: constants, settings. */
  readonly builder: GraphBuilder | undefined
  readonly training: boolean
  readonly isStandard: (span: Span) => boolean
  /** Elaborates a model on behalf of `parameters(Model)`. */
  readonly model: ModelLookup | undefined
  readonly root: Instance
  readonly exposed: { readonly name: string; readonly node: Node; readonly span: Span }[]
  /** What must hold of the free dims. */
  readonly requirements: { readonly size: Dim; readonly says: string }[]
  readonly carries: CarryPort[]
  /** Scans whose bodies are being run, outermost first. */
  readonly scans: OpenScan[]
  /** Stacks whose layers are being run, outermost first. */
  readonly stacks: OpenStack[]
  readonly folding: Folding
  /** Paths of stacks that are written out whatever their depth. */
  readonly unrolled: ReadonlySet<string>
  /** Parameters and states of all layers of a stack, by path: a second call finds those of the first. */
  readonly shared: Map<string, Variable>
  /** Whether a call may be taken to end as one like it did: only faults are looked for. */
  readonly abridges: boolean
  /** Whether a layer of a stack may be taken to do as the one before it did. */
  readonly repeats: boolean
  /** Of a leaf that stands for the result of a call that was not run: the tensors it was given. */
  readonly behind: Map<Node, readonly Node[]>
  /** Parameters and states, as they were declared. */
  readonly declared: (Declared & { readonly owner: Instance })[]
  readonly dimSources: Map<Node, readonly (DimSource | undefined)[]>
  /** Spans of the statements and stages being run, outermost first. */
  readonly trail: Span[]
  /** Names of the calls being run, for the message about depth. */
  readonly calls: { readonly label: string; readonly span: Span }[]
  readonly ports: Ports
  /** In an optimizer: the length of the flat run of parameters that it works on. */
  readonly flat: Dim | undefined
  /** In a test: where it is, and what it expects so far. */
  readonly test: { readonly span: Span; readonly expectations: Expectation[] } | undefined
  /** Free dims that were reported as having no number where one is needed: once is enough. */
  readonly blamed: Set<string>
  frame: Frame
  /** Layers of the shallowest stack that was folded. */
  shallowest: number
  /** Where the last node came from, if nothing else is being run by now. */
  lastOrigins: readonly Origin[]
  steps: number
  /** Whether a call was not run, so that the graph is no program. */
  abridged: boolean
  /** Whether calls in training were taken to be as they are without: they may cost more. */
  presumed: boolean
  /** Nodes asked for, at most, by calls that were not run. */
  spared: number
  /** The most calls around one since this was last set. */
  deepest: number
  randomSites: number
  /** Whether `training` decided anything, so that training gives another graph. */
  dependsOnTraining: boolean
  /** Whether training could be at fault where inference is not. */
  faultsDependOnTraining: boolean
  randomKey: Node | undefined
}

/** `whole`: its values are asked for, not its parameters alone. */
export type ModelLookup = (value: Extract<Value, { kind: 'model' }>, whole: boolean) => ModelGraph | undefined

export interface ElaborationOptions {
  readonly sink: Sink
  readonly builder: GraphBuilder | undefined
  readonly training: boolean
  readonly isStandard: (span: Span) => boolean
  readonly kind: Frame['kind']
  readonly span: Span
  readonly model?: ModelLookup | undefined
  readonly flat?: Dim | undefined
  readonly folding?: Folding
  readonly unrolled?: ReadonlySet<string>
  readonly abridges?: boolean
  readonly repeats?: boolean
}

export function startElaboration(options: ElaborationOptions): Elaboration {
  const rootBlueprint: Blueprint = {
    kind: 'chain',
    label: 'the model',
    span: options.span,
    stages: [],
    scope: new Scope(undefined),
  }
  const root = makeInstance('', rootBlueprint, options.span)
  return {
    sink: options.sink,
    builder: options.builder,
    training: options.training,
    isStandard: options.isStandard,
    model: options.model,
    root,
    exposed: [],
    requirements: [],
    carries: [],
    scans: [],
    stacks: [],
    folding: options.folding ?? 'none',
    unrolled: options.unrolled ?? new Set(),
    shared: new Map(),
    abridges: options.abridges ?? false,
    repeats: options.repeats ?? false,
    behind: new Map(),
    declared: [],
    dimSources: new Map(),
    trail: [options.span],
    calls: [],
    flat: options.flat,
    ports: noPorts(),
    test: options.kind === 'test' ? { span: options.span, expectations: [] } : undefined,
    blamed: new Set(),
    frame: makeFrame(options.kind, root),
    shallowest: Number.POSITIVE_INFINITY,
    lastOrigins: [],
    steps: 0,
    abridged: false,
    presumed: false,
    spared: 0,
    deepest: 0,
    randomSites: 0,
    dependsOnTraining: false,
    faultsDependOnTraining: false,
    randomKey: undefined,
  }
}

export function makeFrame(kind: Frame['kind'], owner: Instance): Frame {
  return { kind, owner, anonymous: new Map(), named: new Map(), turns: '' }
}

/** Reports a fault; its value is poison. */
export function fault<Facts>(e: Elaboration, row: DiagnosticRow<Facts>, facts: Facts): Value {
  e.sink.add(asSeenByUser(e, report(row, facts)))
  return poison
}

/** A fault inside the standard library points at the user's line first: there it can be mended. */
function asSeenByUser(e: Elaboration, diagnostic: Diagnostic): Diagnostic {
  const { primary } = diagnostic
  if (!primary || !e.isStandard(primary.span)) return diagnostic
  const span = userSpan(e)
  if (!span) return diagnostic
  const others = diagnostic.secondary.filter((s) => s.span !== span)
  return { ...diagnostic, primary: { span, text: 'in what is called here' }, secondary: [primary, ...others] }
}

/** Reports a fault found inside an expression: the nearest `evaluate` makes poison of it. */
export function fail<Facts>(e: Elaboration, row: DiagnosticRow<Facts>, facts: Facts): never {
  fault(e, row, facts)
  throw new Reported()
}
/** Leaves an expression whose fault is in the sink already. */
export class Reported extends Error {}
/** Leaves an expression silently because something it needs is poison. */
export const silent = (): never => {
  throw new Reported()
}

/** Reports a fault after which this elaboration cannot go on. */
export function abandon<Facts>(e: Elaboration, row: DiagnosticRow<Facts>, facts: Facts): never {
  fault(e, row, facts)
  throw new Abandoned()
}
/** Leaves an elaboration whose fault is in the sink already. */
export class Abandoned extends Error {}

/** Counts work. */
export function step(e: Elaboration, span: Span, cost = 1): void {
  e.steps += cost
  if (e.steps > limits.steps) abandon(e, statics.tooMuchWork, { span, steps: limits.steps, calls: callPath(e) })
}

/**
 * Something asks whether it is training. What the library then does has no faults of its own (its signatures fix types and shapes), but in a
 * recurrence, where a state may not move on; what the user's text does may have any.
 */
export function asksTraining(e: Elaboration, span: Span): void {
  e.dependsOnTraining = true
  if (!e.isStandard(span) || e.scans.some(({ layers }) => !layers)) e.faultsDependOnTraining = true
}

/** Runs something with the frame changed. */
export function inFrame<Result>(e: Elaboration, frame: Frame, run: () => Result): Result {
  const outer = e.frame
  e.frame = frame
  try {
    return run()
  } finally {
    e.frame = outer
  }
}

const nowhere: readonly Origin[] = []

/** Runs something on behalf of a statement or stage, so that nodes made there point at it. */
export function at<Result>(e: Elaboration, span: Span, run: () => Result): Result {
  e.trail.push(span)
  e.lastOrigins = nowhere
  try {
    return run()
  } finally {
    e.trail.pop()
    e.lastOrigins = nowhere
  }
}

/** Runs a call, refusing endless recursion. */
export function called<Result>(e: Elaboration, label: string, span: Span, run: () => Result): Result {
  if (e.calls.length >= limits.depth) abandon(e, statics.tooDeep, { span, depth: limits.depth, calls: callPath(e) })
  e.calls.push({ label, span })
  if (e.calls.length > e.deepest) e.deepest = e.calls.length
  try {
    return run()
  } finally {
    e.calls.pop()
  }
}

/** The innermost place in the user's own files, for faults inside the standard library. */
export function userSpan(e: Elaboration): Span | undefined {
  for (let i = e.trail.length - 1; i >= 0; i--) if (!e.isStandard(e.trail[i]!)) return e.trail[i]
  return undefined
}

function callPath(e: Elaboration): string[] {
  const labels = e.calls.map((c) => c.label)
  return labels.length <= 8 ? labels : [...labels.slice(0, 4), '…', ...labels.slice(-3)]
}
