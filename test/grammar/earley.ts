/** An Earley recogniser and a sentence generator for the EBNF rules: the slow, obvious reading of the grammar. */
import type { RuleGroup } from '../../grammar/rules.ts'

/** A terminal is a quoted word or a kind of token in capitals; all else names a rule. */
export type Symbol = { readonly terminal: string } | { readonly rule: string }
export type Productions = ReadonlyMap<string, readonly (readonly Symbol[])[]>

/** EBNF → plain productions; groups become rules of their own. */
export function productionsOf(groups: readonly RuleGroup[]): Productions {
  const productions = new Map<string, (readonly Symbol[])[]>()
  let fresh = 0
  for (const { name, is } of groups.flatMap((g) => g.rules)) {
    const words = is.match(/"[^"]+"|[[\](){}|]|\w+/g) ?? []
    let at = 0
    const alternatives = (end: string | undefined): (readonly Symbol[])[] => {
      const all: Symbol[][] = [[]]
      for (; at < words.length && words[at] !== end; at++) {
        const word = words[at] as string
        const current = all.at(-1) as Symbol[]
        if (word === '|') all.push([])
        else if (word === '(' || word === '[' || word === '{') {
          at++
          const inner = alternatives(word === '(' ? ')' : word === '[' ? ']' : '}')
          const rule = `${name}.${fresh++}`
          if (word === '{') productions.set(rule, [[], ...inner.map((i) => [...i, { rule }])])
          else productions.set(rule, word === '[' ? [[], ...inner] : inner)
          current.push({ rule })
        } else if (word.startsWith('"')) current.push({ terminal: word.slice(1, -1) })
        else if (/^[A-Z]+$/.test(word)) current.push({ terminal: word })
        else current.push({ rule: word })
      }
      return all
    }
    productions.set(name, alternatives(undefined))
  }
  return productions
}

/** Whether the terminals (each token may pass for several) can be derived from the rule. */
export function recognises(productions: Productions, start: string, tokens: readonly ReadonlySet<string>[]): boolean {
  interface State {
    readonly rule: string
    readonly right: readonly Symbol[]
    readonly dot: number
    readonly from: number
  }
  const ids = new Map<readonly Symbol[], number>()
  const idOf = (right: readonly Symbol[]) => {
    if (!ids.has(right)) ids.set(right, ids.size)
    return ids.get(right) as number
  }
  const sets: { states: State[]; seen: Set<string> }[] = Array.from({ length: tokens.length + 1 }, () => ({
    states: [],
    seen: new Set(),
  }))
  const add = (at: number, state: State) => {
    const key = `${state.rule}/${idOf(state.right)}/${state.dot}/${state.from}`
    const set = sets[at] as (typeof sets)[number]
    if (set.seen.has(key)) return
    set.seen.add(key)
    set.states.push(state)
  }
  const nullable = nullableRules(productions)
  for (const right of productions.get(start) ?? []) add(0, { rule: start, right, dot: 0, from: 0 })
  for (let at = 0; at <= tokens.length; at++) {
    const { states } = sets[at] as (typeof sets)[number]
    for (let i = 0; i < states.length; i++) {
      const state = states[i] as State
      const symbol = state.right[state.dot]
      if (symbol === undefined) {
        for (const waiting of [...(sets[state.from] as (typeof sets)[number]).states]) {
          const wanted = waiting.right[waiting.dot]
          if (wanted !== undefined && 'rule' in wanted && wanted.rule === state.rule)
            add(at, { ...waiting, dot: waiting.dot + 1 })
        }
      } else if ('rule' in symbol) {
        for (const right of productions.get(symbol.rule) ?? []) add(at, { rule: symbol.rule, right, dot: 0, from: at })
        if (nullable.has(symbol.rule)) add(at, { ...state, dot: state.dot + 1 })
      } else if (tokens[at]?.has(symbol.terminal)) add(at + 1, { ...state, dot: state.dot + 1 })
    }
  }
  return (sets[tokens.length] as (typeof sets)[number]).states.some(
    (s) => s.rule === start && s.from === 0 && s.dot === s.right.length,
  )
}

function nullableRules(productions: Productions): ReadonlySet<string> {
  const nullable = new Set<string>()
  for (let size = -1; size !== nullable.size; ) {
    size = nullable.size
    for (const [rule, rights] of productions)
      if (rights.some((right) => right.every((s) => 'rule' in s && nullable.has(s.rule)))) nullable.add(rule)
  }
  return nullable
}

/** A random sentence; beyond `budget` expansions the shortest alternatives are taken. */
export function derive(productions: Productions, start: string, random: () => number, budget: number): string[] {
  const shortest = shortestAlternatives(productions)
  const out: string[] = []
  let left = budget
  const expand = (symbol: Symbol): void => {
    if ('terminal' in symbol) {
      out.push(symbol.terminal)
      return
    }
    const rights = productions.get(symbol.rule) ?? []
    left--
    const right = left > 0 ? rights[Math.floor(random() * rights.length)] : shortest.get(symbol.rule)
    for (const part of right ?? []) expand(part)
  }
  expand({ rule: start })
  return out
}

function shortestAlternatives(productions: Productions): ReadonlyMap<string, readonly Symbol[]> {
  const cost = new Map<string, number>()
  const best = new Map<string, readonly Symbol[]>()
  for (let changed = true; changed; ) {
    changed = false
    for (const [rule, rights] of productions) {
      for (const right of rights) {
        const total =
          1 + right.reduce((sum, s) => sum + ('terminal' in s ? 1 : (cost.get(s.rule) ?? Number.POSITIVE_INFINITY)), 0)
        if (total < (cost.get(rule) ?? Number.POSITIVE_INFINITY)) {
          cost.set(rule, total)
          best.set(rule, right)
          changed = true
        }
      }
    }
  }
  return best
}
