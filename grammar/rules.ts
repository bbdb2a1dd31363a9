/**
 * The grammar as rules over tokens, in EBNF: `[ ]` once or not at all, `{ }` any number of times, `|` or. Words in
 * quotes stand for themselves; NAME, NUMBER, STRING and NEWLINE are kinds of token.
 *
 * The parser is written by hand for the sake of its messages. That these rules and the parser accept the same texts is
 * held by `test/grammar/rules.test.ts`, which derives texts from the rules, mutates them, and compares verdicts.
 */
import { precedences } from './operators.ts'
import type { TokenType } from './tokens.ts'

export interface Rule {
  readonly name: string
  readonly is: string
}
export interface RuleGroup {
  readonly title: string
  readonly rules: readonly Rule[]
}

const rule = (name: string, is: string): Rule => ({ name, is })
const list = (item: string) => `${item} { "," ${item} } [ "," ]`
const items = (item: string) => `"{" { Separator } [ ${item} { Separator { Separator } ${item} } { Separator } ] "}"`

/** Operators of equal precedence: taken from the table by which the parser climbs. */
const level = (precedence: number): readonly TokenType[] =>
  [...precedences].filter(([, p]) => p === precedence).map(([type]) => type)
const operators = (precedence: number) =>
  level(precedence)
    .map((type) => `"${type}"`)
    .join(' | ')
const anyOf = (precedence: number) => `( ${operators(precedence)} )`

export const grammar: readonly RuleGroup[] = [
  {
    title: 'Files and declarations',
    rules: [
      rule('File', '{ Separator } [ Declaration { Separator { Separator } Declaration } { Separator } ]'),
      rule('Separator', 'NEWLINE | ";"'),
      rule('Declaration', 'Import | Const | Function | Module | Model | Data | Train | Test'),
      rule('Import', `"import" [ "{" { NEWLINE } [ ${list('ImportName')} { NEWLINE } ] "}" "from" ] STRING`),
      rule('ImportName', 'NAME [ "as" NAME ]'),
      rule('Const', '"const" NAME [ ":" Type ] "=" Expression'),
      rule('Function', '"fn" NAME Parameters [ "->" ResultType ] Block'),
      rule('Module', `"module" NAME [ Parameters ] ${items('Member')}`),
      rule('Member', 'Forward | Statement'),
      rule('Forward', '"forward" Parameters [ "->" ResultType ] Block'),
      rule('Model', '"model" NAME [ Parameters ] Block'),
      rule('Data', `"data" NAME ${items('DataMember')}`),
      rule('DataMember', `Field | NAME ${items('Field')}`),
      rule('Field', 'NAME "=" Expression'),
      rule('Train', `"train" [ NAME ] ${items('Setting')}`),
      rule('Setting', 'NAME ":" Values [ "except" Values ] [ Overrides ]'),
      rule('Values', 'Expression { "," Expression }'),
      rule('Overrides', '"{" { Separator } [ Override { OverrideEnd Override } [ OverrideEnd ] ] "}"'),
      rule('OverrideEnd', '"," { Separator } | Separator { Separator }'),
      rule('Override', 'STRING ":" NAME Expression { "," NAME Expression }'),
      rule('Test', '"test" STRING Block'),
    ],
  },
  {
    title: 'Signatures and types',
    rules: [
      rule('Parameters', `"(" [ ${list('Parameter')} ] ")"`),
      rule('Parameter', 'NAME [ ":" Type ] [ "=" Expression ]'),
      rule('Type', `NAME [ "[" [ ${list('Dim')} ] "]" ] [ "?" ]`),
      rule('Dim', '"..." | Expression'),
      rule('ResultType', `Type | "(" [ ${list('Part')} ] ")"`),
      rule('Part', '[ NAME ":" ] Type'),
    ],
  },
  {
    title: 'Statements',
    rules: [
      rule('Block', items('Statement')),
      rule(
        'Statement',
        'Let | Layer | Variable | Port | Output | Loss | Metric | Next | Yield | Expose | Require | Expect | Return | If | For | Scan | Expression',
      ),
      rule('Let', `"let" ( NAME [ ":" Type ] | "(" ${list('NAME')} ")" ) "=" Expression`),
      rule('Layer', '"layer" NAME "=" Expression'),
      rule('Variable', '( "param" | "state" ) NAME ":" Type "=" Expression'),
      rule('Port', '( "input" | "target" ) NAME ":" Type'),
      rule('Output', '"output" NAME [ ":" Type ] "=" Expression'),
      rule('Loss', '"loss" [ NAME "=" ] Expression'),
      rule('Metric', '"metric" NAME "=" Expression'),
      rule('Next', '"next" NAME "=" Expression'),
      rule('Yield', '"yield" NAME "=" Expression'),
      rule('Expose', '"expose" NAME [ "=" Expression ]'),
      rule('Require', '"require" Expression [ "," Expression ]'),
      rule('Expect', '"expect" Expression [ "within" Expression ] [ "," Expression ]'),
      rule('Return', '"return" Expression'),
      rule('If', '"if" Expression Block [ "else" ( If | Block ) ]'),
      rule('For', '"for" NAME "in" Expression Block'),
      rule(
        'Scan',
        '"scan" [ ScanInput { "," ScanInput } { NEWLINE } ] "along" [ "axis" ":" ] Expression [ { NEWLINE } "reverse" ":" Expression ] [ { NEWLINE } "carry" Carry { "," Carry } ] Block',
      ),
      rule('ScanInput', 'NAME "in" Expression'),
      rule('Carry', 'NAME [ ":" Type ] "=" Expression'),
    ],
  },
  {
    title: 'Expressions',
    rules: [
      rule('Expression', '"if" Expression "then" Expression "else" Expression | Parameters "=>" Expression | Pipeline'),
      rule('Pipeline', 'Or { "|>" Stage }'),
      rule('Stage', '[ NAME ":" ] ( Parameters "=>" Or | Product )'),
      rule('Or', `And { ${operators(1)} And }`),
      rule('And', `Not { ${operators(2)} Not }`),
      rule('Not', '"not" Not | Comparison'),
      rule('Comparison', `Range [ ${anyOf(4)} Range ]`),
      rule('Range', `Sum [ ${operators(5)} Sum ]`),
      rule('Sum', `Product { ${anyOf(6)} Product }`),
      rule('Product', `Unary { ${anyOf(7)} Unary }`),
      rule('Unary', '( "-" | "+" ) Unary | Power'),
      rule('Power', 'Postfix [ "**" Unary ]'),
      rule('Postfix', `Primary { "(" [ ${list('Argument')} ] ")" | "[" ${list('Index')} "]" | "." NAME }`),
      rule('Argument', '[ NAME ":" ] Expression'),
      rule('Index', '"..." | Expression | [ Expression ] ":" [ Expression ] [ ":" [ Expression ] ]'),
      rule('Primary', 'NUMBER | STRING | "true" | "false" | "none" | NAME | Group | List | Chain'),
      rule('Group', `"(" ${list('Argument')} ")"`),
      rule('List', `"[" [ ${list('Expression')} ] "]"`),
      rule('Chain', `"chain" ${items('Stage')}`),
    ],
  },
]
