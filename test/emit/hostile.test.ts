/**
 * Whatever a `.dlm` calls things, a module's syntax tree is that of harmless names. Ten thousand names, texts and paths that
 * try to end a string, a template, a comment or a line go through the emitter; the result is parsed again and compared,
 * node by node, with that of the same program under plain names: only the texts of names and literals may differ.
 */
import { Script as Code } from 'node:vm'
import { ts } from 'ts-morph'
import { describe, expect, it } from 'vitest'
import { emitModule } from '../../compiler/7-emit/typescript/emit.ts'
import type { ModuleInput } from '../../compiler/7-emit/typescript/input.ts'
import {
  commentText,
  fileStem,
  identifierFor,
  stringLiteral,
  templateLiteral,
  valueLiteral,
} from '../../compiler/7-emit/typescript/literals.ts'
import { dim, symbol } from '../../compiler/ir/dim.ts'
import type { Node } from '../../compiler/ir/graph.ts'
import type { CompiledProgram } from '../../runtime/abi.ts'
import { randomStream } from '../../runtime/random.ts'

const pieces = [
  '"',
  "'",
  '`',
  '${',
  '}',
  '\\',
  '*/',
  '/*',
  '//',
  '/**',
  '\n',
  '\r',
  '\r\n',
  '\u2028',
  '\u2029',
  '\0',
  '\u0085',
  '\ufeff',
  '\u200b',
  '\u202e',
  '\u{1f600}',
  '\ud800',
  '</script>',
  '<!--',
  '-->',
  ';',
  ')',
  '(',
  ']',
  '[',
  '{',
  ',',
  '=',
  '=>',
  ':',
  '?',
  '@',
  '#',
  '%',
  '&',
  '|',
  '^',
  '~',
  '!',
  ' ',
  '\t',
  '.',
  '..',
  '../../etc/passwd',
  'C:\\',
  '/',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'hasOwnProperty',
  'class',
  'await',
  'default',
  'eval',
  'Function',
  'import',
  'export',
  'undefined',
  'NaN',
  'Model',
  'spec',
  'openModel',
  'read',
  's0',
  'k1',
  'p2',
  'process.exit(1)',
  'alert(1)',
  '${process.env}',
  '\\u0022',
  '\\x27',
  '\\',
  '*/ evil() /*',
  '`+evil()+`',
  '"+evil()+"',
  "'+evil()+'",
  '@ts-ignore',
  '@ts-nocheck',
  '{@link evil}',
  '@param x',
  '//# sourceMappingURL=evil.js',
  '/* @__PURE__ */',
  'a',
  'Z',
  'é',
  'Ж',
  '名',
  '0',
  '9',
  '_',
  '$',
  '²',
  'ⅷ',
  '\u0301',
]
const stream = randomStream(20261121, 'hostile')
const hostile = (): string =>
  Array.from({ length: 1 + stream.below(6) }, () => pieces[stream.below(pieces.length)]!).join('')

/** A program of which every name, text and path is what `name` gives next. */
function program(name: () => string): ModuleInput {
  const [input, target, output, exposed, metric, free, path, state, file, label] = Array.from({ length: 10 }, name) as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ]
  const node = { shape: [symbol(free), dim(4)], dtype: 'float' } as unknown as Node
  const size = { terms: [[4, free]] } as const
  const port = (called: string) => ({
    name: called,
    node,
    span: undefined as never,
    documentation: name(),
    shape: node.shape,
    dtype: 'float' as const,
  })
  const compiled: CompiledProgram = {
    abi: 1,
    name: name(),
    dims: [free],
    arenas: [{ name: name(), role: 'parameters', bytes: size, contents: name() }],
    tensors: [
      { name: input, role: 'input', arena: 0, offset: 0, shape: [size, 4], dtype: 'float', storage: 'f32' },
      { name: 'loss', role: 'loss', arena: 0, offset: 0, shape: [], dtype: 'float', storage: 'f32' },
      { name: metric, role: 'metric', arena: 0, offset: 0, shape: [], dtype: 'float', storage: 'f32' },
    ],
    pipelines: [
      {
        name: name(),
        wgsl: `// ${name()}\nfn main() {}\n`,
        constants: { n0: size },
        workgroup: [1, 1, 1],
        features: [],
      },
    ],
    entries: (['infer', 'evaluate', 'step'] as const).map((entry) => ({
      name: entry,
      inputs: [input],
      outputs: entry === 'infer' ? [output] : ['loss', metric],
      dispatches: [
        {
          pipeline: 0,
          bindings: [{ arena: 0, offset: 0, bytes: size, access: 'read' as const }],
          workgroups: [1, 1, 1] as const,
          label,
          flops: size,
          bytes: size,
          origins: [`${file}:1`],
          stops: [name()],
        },
      ],
    })),
    parameters: [{ path, shape: [4], dtype: 'float', initial: { kind: 'constant', value: 0 }, trainable: true }],
    states: [{ path: state, shape: [4], dtype: 'float', initial: { kind: 'constant', value: 0 }, trainable: false }],
    moments: [{ name: name(), arena: 0, initial: 0 }],
    stepBlock: [],
    footprint: {
      inference: {
        entries: ['infer'],
        arenas: [0],
        bytes: size,
        staging: 0,
        flops: 0,
        moved: 0,
        dispatches: 1,
        pipelines: 1,
      },
      training: undefined,
    },
  }
  const model = {
    name: name(),
    documentation: name(),
    dims: [free],
    inputs: [port(input)],
    targets: [port(target)],
    outputs: [port(output)],
    exposed: [port(exposed)],
    parameters: [{ path }],
    states: [{ path: state }],
    lossTerms: [],
    metrics: [port(metric)],
  } as unknown as ModuleInput['model']
  const train = {
    batch: 4,
    epochs: 2,
    steps: undefined,
    seed: 1,
    clipNorm: undefined,
    validateEvery: undefined,
    averageLast: undefined,
    load: undefined,
    freeze: [],
    dims: new Map([[free, 4]]),
    monitor: { scalar: metric, mode: 'min' },
    optimizer: { rate: { kind: 'constant', rate: 1 }, overrides: [] },
  } as unknown as NonNullable<ModuleInput['train']>
  const called = name()
  return {
    name: called,
    stem: fileStem(called),
    model,
    train,
    variants: [
      { name: 'gpu', target: 'gpu', subgroup: undefined, program: compiled, exposing: compiled, stepping: compiled },
    ],
    sequences: {
      rows: free,
      context: free,
      streams: model.inputs,
      others: model.inputs,
      outputs: model.outputs,
      tokens: { input: name(), output: name(), vocabulary: 3 },
    },
    origin: { file, text: name(), hash: name(), compiler: name() },
  }
}

/** Kinds of all tokens and nodes, in order. A quoted key and a bare one, and one in brackets, are one kind of thing: a name. */
function shapeOf(text: string): string {
  const file = ts.createSourceFile('x.ts', text, ts.ScriptTarget.Latest, true)
  expect((file as unknown as { parseDiagnostics: unknown[] }).parseDiagnostics).toEqual([])
  const names = new Set([
    ts.SyntaxKind.Identifier,
    ts.SyntaxKind.StringLiteral,
    ts.SyntaxKind.NoSubstitutionTemplateLiteral,
  ])
  const shape = (node: ts.Node): string => {
    if (ts.isComputedPropertyName(node) && ts.isStringLiteral(node.expression)) return 'name'
    if (names.has(node.kind)) return 'name'
    // `schedule(...)` and numbers are the emitter's own; documentation is a comment: what it may hold is asserted below.
    return `${ts.SyntaxKind[node.kind]}(${node
      .getChildren()
      .filter((c) => c.kind < ts.SyntaxKind.FirstJSDocNode || c.kind > ts.SyntaxKind.LastJSDocNode)
      .map(shape)
      .join(' ')})`
  }
  return shape(file)
}

function commentsOf(text: string): string[] {
  const scanner = ts.createScanner(ts.ScriptTarget.Latest, false, ts.LanguageVariant.Standard, text)
  const comments: string[] = []
  for (let token = scanner.scan(); token !== ts.SyntaxKind.EndOfFileToken; token = scanner.scan())
    if (token === ts.SyntaxKind.SingleLineCommentTrivia || token === ts.SyntaxKind.MultiLineCommentTrivia)
      comments.push(scanner.getTokenText())
  return comments
}

describe('hostile names', () => {
  // Each program has some thirty; the names that collide on purpose must not change the tree either.
  const programs = 334
  it(`${programs * 30} of them leave the syntax tree as it is`, async () => {
    let count = 0
    const benign = await emitModule(program(() => `name${count++}`))
    const expected = new Map(
      [...benign.files]
        .filter(([path]) => path.endsWith('.ts'))
        .map(([path, text]) => [path.endsWith('.train.ts'), shapeOf(text)]),
    )
    expect(count).toBeGreaterThanOrEqual(29)
    for (let i = 0; i < programs; i++) {
      const { files } = await emitModule(program(hostile))
      for (const [path, text] of files) {
        expect(path).toMatch(/^[a-z0-9_]+(\.train)?\.ts$|^[a-z0-9_]+\/gpu\/(stepping\/)?00_[A-Za-z0-9_]*\.wgsl$/)
        if (!path.endsWith('.ts')) continue
        if (shapeOf(text) !== expected.get(path.endsWith('.train.ts')))
          expect.fail(`another tree:\n${text.slice(0, 3000)}`)
        for (const comment of commentsOf(text))
          expect(comment).not.toMatch(/^[\s/*]*@|(?<!\\)@ts-|[#@]\s*sourceMappingURL/m)
        expect(text).not.toMatch(/<\/script|[\u2028\u2029\u202e\ufeff]/)
      }
    }
  })
})

describe('literals', () => {
  it('mean the text that they were made from', () => {
    for (let i = 0; i < 10_000; i++) {
      const text = hostile()
      const value = (expression: string): unknown => new Code(`(${expression})`).runInThisContext()
      expect(value(stringLiteral(text))).toBe(text)
      expect(value(templateLiteral(text))).toBe(text)
      const object = JSON.parse(
        `{${JSON.stringify(text)}: [${JSON.stringify(text)}, 1.5e-7, -0, true, null], "__proto__": 1}`,
      ) as object
      const back = value(valueLiteral(object)) as object
      expect(Object.entries(back)).toEqual(Object.entries(object))
      expect(Object.getPrototypeOf(back)).toBe(Object.getPrototypeOf(value('{}')))
      expect(commentText(text)).not.toContain('*/')
      expect(
        ts.createSourceFile('x.ts', `const ${identifierFor(text, () => false)} = 1`, ts.ScriptTarget.Latest).statements
          .length,
      ).toBe(1)
    }
  })
})
