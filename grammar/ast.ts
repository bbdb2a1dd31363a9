/**
 * The syntax tree of a `.dlm` file: plain, immutable data in which every node carries its span. No types and no
 * names are resolved here; the tree holds what was written and nothing else.
 */
import type { Span } from './source.ts'

interface Located {
  readonly span: Span
}

export interface Identifier extends Located {
  readonly name: string
}

// ---------------------------------------------------------------- file and declarations

export interface File extends Located {
  readonly declarations: readonly Declaration[]
}

export type Declaration =
  | ImportDeclaration
  | ConstDeclaration
  | FunctionDeclaration
  | ModuleDeclaration
  | ModelDeclaration
  | DataDeclaration
  | TrainDeclaration
  | TestDeclaration

interface Documented extends Located {
  /** The text of the `///` lines before the declaration, joined by newlines, without the slashes. */
  readonly documentation: string | undefined
}

/** `import "encoder.dlm"` · `import { Encoder, Decoder as D } from "encoder.dlm"` */
export interface ImportDeclaration extends Documented {
  readonly kind: 'import'
  readonly names: readonly { readonly name: Identifier; readonly alias: Identifier | undefined }[] | undefined
  readonly path: StringLiteral
}

/** `const vocabulary = 65` */
export interface ConstDeclaration extends Documented {
  readonly kind: 'const'
  readonly name: Identifier
  readonly type: Type | undefined
  readonly value: Expression
}

/** A parameter of a function, a module or a `forward`: `x: float[B, T, dim]`, `heads: int = 8`. */
export interface Parameter extends Located {
  readonly name: Identifier
  readonly type: Type | undefined
  readonly default: Expression | undefined
}

/** `fn gelu(x: float[...]) -> float[...] { … }` */
export interface FunctionDeclaration extends Documented {
  readonly kind: 'function'
  readonly name: Identifier
  readonly parameters: readonly Parameter[]
  readonly result: ResultType | undefined
  readonly body: Block
}

/** `module Linear(features: int, bias: bool = true) { … forward(…) -> … { … } }` */
export interface ModuleDeclaration extends Documented {
  readonly kind: 'module'
  readonly name: Identifier
  readonly parameters: readonly Parameter[]
  /** `let`, `layer`, `param`, `state`, `require`, `const` and `if`/`for` around them, in source order. */
  readonly members: readonly Statement[]
  readonly forward: ForwardDeclaration | undefined
}

export interface ForwardDeclaration extends Documented {
  readonly parameters: readonly Parameter[]
  readonly result: ResultType | undefined
  readonly body: Block
}

/** `model Softmax { … }`, `model Transformer(dim: int = 512) { … }`: its body is a list of statements. */
export interface ModelDeclaration extends Documented {
  readonly kind: 'model'
  readonly name: Identifier
  readonly parameters: readonly Parameter[]
  readonly members: readonly Statement[]
}

/** `data Digits { train { image = … } validation = split(train, 0.1) test { … } }` */
export interface DataDeclaration extends Documented {
  readonly kind: 'data'
  readonly name: Identifier
  readonly members: readonly DataMember[]
}
export type DataMember =
  /** `train { image = …; label = … }` */
  | (Located & { readonly kind: 'partition'; readonly name: Identifier; readonly fields: readonly Field[] })
  /** `validation = split(train, 0.1)`, or a named intermediate such as `vocabulary = bpe("corpus.txt", 1000)` */
  | (Located & { readonly kind: 'binding'; readonly name: Identifier; readonly value: Expression })
export interface Field extends Located {
  readonly name: Identifier
  readonly value: Expression
}

/** `train Base { model: …  optimizer: …  batch: 64 }` */
export interface TrainDeclaration extends Documented {
  readonly kind: 'train'
  readonly name: Identifier | undefined
  readonly settings: readonly Setting[]
}
export interface Setting extends Located {
  readonly name: Identifier
  /** Several values where the setting takes a list: `freeze: "stem.*", "stage[0..2].*"`. */
  readonly values: readonly Expression[]
  /** `load: "weights.safetensors" except "classifier.*"` */
  readonly except: readonly Expression[]
  /** `optimizer: sgd(lr: 1e-3) { "classifier.*": lr 1e-2 }` */
  readonly overrides: readonly SettingOverride[]
}
export interface SettingOverride extends Located {
  readonly pattern: StringLiteral
  readonly changes: readonly { readonly name: Identifier; readonly value: Expression }[]
}

/** `test "the parameter count of the lecture" { … }` */
export interface TestDeclaration extends Documented {
  readonly kind: 'test'
  readonly title: StringLiteral
  readonly body: Block
}

// ---------------------------------------------------------------- statements

export interface Block extends Located {
  readonly statements: readonly Statement[]
}

export type Statement =
  | LetStatement
  | LayerStatement
  | VariableStatement
  | PortStatement
  | OutputStatement
  | LossStatement
  | MetricStatement
  | NextStatement
  | YieldStatement
  | ExposeStatement
  | RequireStatement
  | ExpectStatement
  | ReturnStatement
  | IfStatement
  | ForStatement
  | ScanStatement
  | ExpressionStatement

/** `let head = dim / heads` · `let (i, f, o, g) = split(…)` */
export interface LetStatement extends Located {
  readonly kind: 'let'
  readonly names: readonly Identifier[]
  /** Whether the left side was written with parentheses, so that the value is taken apart. */
  readonly tuple: boolean
  readonly type: Type | undefined
  readonly value: Expression
}
/** `layer wq = Linear(dim)` */
export interface LayerStatement extends Documented {
  readonly kind: 'layer'
  readonly name: Identifier
  readonly value: Expression
}
/** `param wx: float[D, 4 * hidden] = uniform(1 / sqrt(hidden))` · `state mean: float[C] = zeros` */
export interface VariableStatement extends Documented {
  readonly kind: 'param' | 'state'
  readonly name: Identifier
  readonly type: Type
  readonly initial: Expression
}
/** `input image: float[batch, 28, 28]` · `target label: int[batch]` */
export interface PortStatement extends Documented {
  readonly kind: 'input' | 'target'
  readonly name: Identifier
  readonly type: Type
}
/** `output logits = …` */
export interface OutputStatement extends Documented {
  readonly kind: 'output'
  readonly name: Identifier
  readonly type: Type | undefined
  readonly value: Expression
}
/** `loss cross_entropy(logits, label)` · `loss balance = 0.01 * …` (named terms are added up and reported apart) */
export interface LossStatement extends Documented {
  readonly kind: 'loss'
  readonly name: Identifier | undefined
  readonly value: Expression
}
/** `metric accuracy = …` */
export interface MetricStatement extends Documented {
  readonly kind: 'metric'
  readonly name: Identifier
  readonly value: Expression
}
/** `next h = …` (a carry of the enclosing scan, or a state of the module) */
export interface NextStatement extends Located {
  readonly kind: 'next'
  readonly name: Identifier
  readonly value: Expression
}
/** `yield all = h` */
export interface YieldStatement extends Located {
  readonly kind: 'yield'
  readonly name: Identifier
  readonly value: Expression
}
/** `expose weight` · `expose weight = softmax(score)` */
export interface ExposeStatement extends Located {
  readonly kind: 'expose'
  readonly name: Identifier
  readonly value: Expression | undefined
}
/** `require dim % heads == 0, "dim must be a multiple of heads"` */
export interface RequireStatement extends Located {
  readonly kind: 'require'
  readonly condition: Expression
  readonly message: Expression | undefined
}
/** `expect conv2d(image, filter)[2, 2] == -22` · `expect loss ~= 0.5 within 1e-3` (tests only) */
export interface ExpectStatement extends Located {
  readonly kind: 'expect'
  readonly condition: Expression
  readonly tolerance: Expression | undefined
  readonly message: Expression | undefined
}
/** `return x` · `return (all, last: h, cell: c)` */
export interface ReturnStatement extends Located {
  readonly kind: 'return'
  readonly value: Expression
}
export interface IfStatement extends Located {
  readonly kind: 'if'
  readonly condition: Expression
  readonly then: Block
  readonly else: Block | undefined
}
/** `for i in 0..n { … }`: unrolled while compiling. */
export interface ForStatement extends Located {
  readonly kind: 'for'
  readonly name: Identifier
  readonly range: Expression
  readonly body: Block
}
/**
 * `scan x_t in x, m_t in mask along T reverse: reverse carry h: float[B, hidden] = zeros { … }`.
 * Without inputs, `scan along T` counts; after the statement its yields are names in scope, and a carry's name means
 * its last value.
 */
export interface ScanStatement extends Located {
  readonly kind: 'scan'
  readonly inputs: readonly { readonly name: Identifier; readonly value: Expression }[]
  /** A dim; with `axis`, the number of an axis: `along axis: 1`. */
  readonly along: Expression
  readonly axis: boolean
  readonly reverse: Expression | undefined
  readonly carries: readonly {
    readonly name: Identifier
    readonly type: Type | undefined
    readonly initial: Expression
  }[]
  readonly body: Block
}
export interface ExpressionStatement extends Located {
  readonly kind: 'expression'
  readonly value: Expression
}

// ---------------------------------------------------------------- types

/** `float[B, T, dim]` · `bool[T, S]?` · `int` · `float[..., D]` · `module` · `string` · `list[int]` */
export interface Type extends Located {
  readonly element: Identifier
  /** `undefined` for a scalar hyperparameter type written without brackets. */
  readonly dims: readonly DimPattern[] | undefined
  readonly optional: boolean
}
export type DimPattern =
  | (Located & { readonly kind: 'rest' })
  | (Located & { readonly kind: 'dim'; readonly value: Expression })

/** One type, or the named parts of a tuple: `(all: float[B, T, H], last: float[B, H])`. */
export interface ResultType extends Located {
  readonly parts: readonly { readonly name: Identifier | undefined; readonly type: Type }[]
  readonly tuple: boolean
}

// ---------------------------------------------------------------- expressions

export type Expression =
  | NumberLiteral
  | StringLiteral
  | BooleanLiteral
  | NoneLiteral
  | NameExpression
  | ListExpression
  | TupleExpression
  | MemberExpression
  | IndexExpression
  | CallExpression
  | UnaryExpression
  | BinaryExpression
  | RangeExpression
  | ConditionalExpression
  | ChainExpression
  | PipelineExpression
  | FunctionExpression
  | ErrorExpression

export interface NumberLiteral extends Located {
  readonly kind: 'number'
  /** The text as written, so that the formatter keeps `1e-3`. */
  readonly text: string
  readonly value: number
  readonly integer: boolean
}
export interface StringLiteral extends Located {
  readonly kind: 'string'
  /** The value, escapes resolved. */
  readonly value: string
}
export interface BooleanLiteral extends Located {
  readonly kind: 'boolean'
  readonly value: boolean
}
export interface NoneLiteral extends Located {
  readonly kind: 'none'
}
export interface NameExpression extends Located {
  readonly kind: 'name'
  readonly name: string
}
export interface ListExpression extends Located {
  readonly kind: 'list'
  readonly items: readonly Expression[]
}
/** `(all, last: h)`; a parenthesised single expression without a name is that expression itself. */
export interface TupleExpression extends Located {
  readonly kind: 'tuple'
  readonly items: readonly Argument[]
}
export interface MemberExpression extends Located {
  readonly kind: 'member'
  readonly object: Expression
  readonly member: Identifier
}
/** `x[2, 0..3, :]` */
export interface IndexExpression extends Located {
  readonly kind: 'index'
  readonly object: Expression
  readonly indices: readonly IndexItem[]
}
export type IndexItem =
  | (Located & { readonly kind: 'at'; readonly value: Expression })
  /** `:`, `1:`, `:-1`, `0:n`, `::2`; also reached by a range expression `a..b` in `at`. */
  | (Located & {
      readonly kind: 'slice'
      readonly start: Expression | undefined
      readonly stop: Expression | undefined
      readonly step: Expression | undefined
    })
  | (Located & { readonly kind: 'rest' })
/** An argument of a call: `dim`, `heads: 8`. */
export interface Argument extends Located {
  readonly name: Identifier | undefined
  readonly value: Expression
}
export interface CallExpression extends Located {
  readonly kind: 'call'
  readonly callee: Expression
  readonly arguments: readonly Argument[]
}
export interface UnaryExpression extends Located {
  readonly kind: 'unary'
  readonly operator: '-' | '+' | 'not'
  readonly operand: Expression
}
export type BinaryOperator =
  | '+'
  | '-'
  | '*'
  | '/'
  | '//'
  | '%'
  | '@'
  | '**'
  | '=='
  | '!='
  | '<'
  | '<='
  | '>'
  | '>='
  | '~='
  | 'and'
  | 'or'
export interface BinaryExpression extends Located {
  readonly kind: 'binary'
  readonly operator: BinaryOperator
  readonly left: Expression
  readonly right: Expression
  readonly operatorSpan: Span
}
/** `0..n`, half open. */
export interface RangeExpression extends Located {
  readonly kind: 'range'
  readonly start: Expression
  readonly stop: Expression
}
/** `if reverse then a else b` */
export interface ConditionalExpression extends Located {
  readonly kind: 'conditional'
  readonly condition: Expression
  readonly then: Expression
  readonly else: Expression
}
/** `chain { Linear(hidden); relu; Linear(dim) }` */
export interface ChainExpression extends Located {
  readonly kind: 'chain'
  readonly stages: readonly Stage[]
}
/** `image |> flatten |> head: Linear(10)` */
export interface PipelineExpression extends Located {
  readonly kind: 'pipeline'
  readonly input: Expression
  readonly stages: readonly Stage[]
}
export interface Stage extends Located {
  /** The name given in place: `|> head: Linear(10)`. */
  readonly name: Identifier | undefined
  readonly value: Expression
}
/** `(x) => x * 2`: a small function, for stages and schedules. */
export interface FunctionExpression extends Located {
  readonly kind: 'lambda'
  readonly parameters: readonly Parameter[]
  readonly body: Expression
}
/** Stands where the parser recovered; whoever meets it says nothing more (the syntax error was reported). */
export interface ErrorExpression extends Located {
  readonly kind: 'error'
}
