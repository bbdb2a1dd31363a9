/**
 * Recurrences whose carries' gradients are asked for, each written twice: as a user would, and with a nudge of 0 added to
 * every carry. The loss's gradient at the nudges is ∂L/∂h_t by definition, found without recording anything.
 */
export interface CarryModel {
  readonly title: string
  /** With the nudges, or without. */
  readonly text: (nudged: boolean) => string
  /** Which nudge is added to which carry, and how many scans that stands in. */
  readonly carries: ReadonlyMap<string, { readonly nudge: string; readonly depth: number }>
}

/** The packed LSTM step, whose cell is read by the same step and whose yield is not the carry itself. */
const lstm = (reverse: boolean): CarryModel => ({
  title: `an LSTM of odd size${reverse ? ' in reverse' : ''}, with a loss at every step and one at the end`,
  carries: new Map([
    ['cell.h', { nudge: 'nudge_h', depth: 1 }],
    ['cell.c', { nudge: 'nudge_c', depth: 1 }],
  ]),
  text: (nudged) => `module Cell() {
  forward(x: float[B, T, 3]${nudged ? ', nudge_h: float[B, T, 5], nudge_c: float[B, T, 5]' : ''}) {
    param wx: float[3, 20] = uniform(1)
    param wh: float[5, 20] = uniform(1)
    scan x_t in x${nudged ? ', n_h in nudge_h, n_c in nudge_c' : ''} along T reverse: ${reverse}
      carry h: float[B, 5] = zeros, c: float[B, 5] = full(0.3)
    {
      let (i, f, o, g) = split(x_t @ wx + h @ wh, 4, axis: -1)
      next c = sigmoid(f) * c + sigmoid(i) * tanh(g)${nudged ? ' + n_c' : ''}
      next h = sigmoid(o) * tanh(c)${nudged ? ' + n_h' : ''}
      yield all = h * h + sin(c)
    }
    return (all, cell: c)
  }
}
model M {
  input x: float[batch, T, 3]
  ${nudged ? 'input nudge_h: float[batch, T, 5]\n  input nudge_c: float[batch, T, 5]' : ''}
  target y: float[batch, T, 5]
  layer cell = Cell()
  let r = cell(x${nudged ? ', nudge_h, nudge_c' : ''})
  output read = r.all
  loss mse(r.all, y) + sum(r.cell * r.cell)
}
`,
})

/** Words of characters: the inner scan begins at the outer one's state, and the outer one goes on from its end. */
const nested: CarryModel = {
  title: 'a scan inside a scan',
  carries: new Map([
    ['reader.g', { nudge: 'nudge_g', depth: 1 }],
    ['reader.h', { nudge: 'nudge_h', depth: 2 }],
  ]),
  text: (nudged) => `module Reader() {
  forward(x: float[B, T, S, 3]${nudged ? ', nudge_g: float[B, T, 4], nudge_h: float[B, T, S, 4]' : ''}) {
    param wx: float[3, 4] = uniform(1)
    param wh: float[4, 4] = uniform(1)
    param wg: float[4, 4] = uniform(1)
    scan word in x${nudged ? ', n_g in nudge_g, word_n in nudge_h' : ''} along T
      carry g: float[B, 4] = zeros
    {
      scan x_s in word${nudged ? ', n_h in word_n' : ''} along S
        carry h: float[B, 4] = g
      {
        next h = tanh(x_s @ wx + h @ wh)${nudged ? ' + n_h' : ''}
      }
      next g = tanh(h @ wg) + 0.5 * g${nudged ? ' + n_g' : ''}
      yield all = g
    }
    return (all, g)
  }
}
model M {
  input x: float[batch, T, S, 3]
  ${nudged ? 'input nudge_g: float[batch, T, 4]\n  input nudge_h: float[batch, T, S, 4]' : ''}
  target y: float[batch, T, 4]
  layer reader = Reader()
  output read = reader(x${nudged ? ', nudge_g, nudge_h' : ''}).all
  loss mse(read, y)
}
`,
}

/** Weights that nothing learns, and a carry of which the loss knows nothing. */
const fixed: CarryModel = {
  title: 'a recurrence without parameters, one of its carries unread',
  carries: new Map([
    ['h', { nudge: 'nudge_h', depth: 1 }],
    ['unread', { nudge: 'nudge_u', depth: 1 }],
  ]),
  text: (nudged) => `model M {
  input x: float[batch, T, 3]
  ${nudged ? 'input nudge_h: float[batch, T, 3]\n  input nudge_u: float[batch, T, 3]' : ''}
  target y: float[batch, 3]
  scan x_t in x${nudged ? ', n_h in nudge_h, n_u in nudge_u' : ''} along T
    carry h: float[batch, 3] = zeros, unread: float[batch, 3] = zeros, count: int[] = 0
  {
    next h = 0.9 * h + 0.2 * sin(h + x_t)${nudged ? ' + n_h' : ''}
    next unread = unread + x_t${nudged ? ' + n_u' : ''}
    next count = count + 1
  }
  output last = h
  output total = unread
  output steps = count
  loss mse(h |> Linear(3), y)
}
`,
}

/** Deep enough to be folded into one scan over its layers; in its twin each layer is asked for by itself. */
const depth = 9
const turns = Array.from({ length: depth }, (_, i) => i)
const folded: CarryModel = {
  title: 'a recurrence in each layer of a folded stack',
  carries: new Map(turns.map((i) => [`level[${i}].h`, { nudge: `nudge_${i}`, depth: 1 }])),
  text: (nudged) => `module Level() {
  forward(x: float[B, T, 4]${nudged ? ', nudge: float[B, T, 4]' : ''}) {
    param wx: float[4, 4] = uniform(1)
    param wh: float[4, 4] = uniform(1)
    scan x_t in x${nudged ? ', n in nudge' : ''} along T
      carry h: float[B, 4] = zeros
    {
      next h = tanh(x_t @ wx + h @ wh) + 0.5 * x_t${nudged ? ' + n' : ''}
      yield all = h
    }
    return all
  }
}
model M {
  input x: float[batch, T, 4]
  ${nudged ? turns.map((i) => `input nudge_${i}: float[batch, T, 4]`).join('\n  ') : ''}
  target y: float[batch, T, 4]
  layer level = Level() * ${depth}
  let read = x
  ${nudged ? turns.map((i) => `let read = level[${i}](read, nudge_${i})`).join('\n  ') : 'let read = level(x)'}
  output last = read
  loss mse(read, y)
}
`,
}

export const carryModels: readonly CarryModel[] = [lstm(false), lstm(true), nested, folded, fixed]
