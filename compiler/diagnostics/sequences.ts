/** DLM069x: models that say sequences position by position. */
import type { Span } from '../../grammar/source.ts'
import type { DiagnosticRow } from './catalogue.ts'

const reasons = {
  'reads-all': [
    'all positions are read here, later ones too',
    'hide later positions with `where(causal_mask(T), score, -inf)`',
  ],
  'runs-backwards': ['this runs from the end of the sequence', 'run it forwards'],
  'last-state': ['this is there only after the last position', 'use the state at every step (`all`)'],
  'reads-later': ['a later position is read here', 'shift it, so that each position reads itself and earlier ones'],
  pairs: ['all pairs of positions would have to be kept', 'reduce one of the two axes under a causal mask first'],
  mixed: ['the axis of positions is mixed with another here', 'keep it as an axis of its own'],
  recurrence: ['this recurrence does not run along the positions, and reads them', 'give it a fixed number of turns'],
  random: ['random numbers are drawn here', 'draw none in inference'],
} as const

export const looksAhead: DiagnosticRow<{ model: string; span: Span; path: string; why: keyof typeof reasons }> = {
  code: 'DLM0691',
  severity: 'error',
  title: 'the model cannot be run position by position',
  explanation:
    'Generation computes each position once, from what was said before it. That is only right where no output depends on a later position, and the compiler has to see it: by a mask that compares positions and hides with -inf (or -1e8 and beyond), by a recurrence that runs forwards, by a convolution that is padded on the left. A mask that is data proves nothing.',
  wrong:
    'model M {\n  input x: int[batch, T]\n  let h = Embedding(9, 8)(x)\n  output logits = h |> Encoder(1, 8, 2, 16) |> Linear(9)\n}',
  right:
    'model M {\n  input x: int[batch, T]\n  let h = Embedding(9, 8)(x)\n  output logits = Encoder(1, 8, 2, 16)(h, causal_mask(T)) |> Linear(9)\n}',
  say: ({ model, span, path, why }) => ({
    message: `${model} cannot be run position by position`,
    primary: { span, text: reasons[why][0] },
    notes: path === '' ? [] : [`in \`${path}\``],
    help: { text: reasons[why][1] },
  }),
}

export const saysNoSequence: DiagnosticRow<{ model: string; span: Span }> = {
  code: 'DLM0692',
  severity: 'error',
  title: 'the model says no sequence',
  explanation:
    'A model that is run position by position has an input and an output whose first axis counts rows and whose second counts positions, such as `input text: int[batch, T]` and logits `float[batch, T, V]`.',
  wrong: 'model M {\n  input x: float[batch, 4]\n  output y = x |> Linear(2)\n}',
  right: 'model M {\n  input x: int[batch, T]\n  output logits = x |> Embedding(9, 9)\n}',
  say: ({ model, span }) => ({
    message: `${model} says no sequence`,
    primary: { span, text: 'no output shares its first two axes with an input' },
    help: { text: 'give it an input [batch, T] and an output [batch, T, …]' },
  }),
}
