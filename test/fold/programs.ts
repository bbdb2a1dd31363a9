/** Programs with deep stacks of narrow layers, each with the free dims it is run at. */

export interface StackProgram {
  readonly text: string
  readonly dims: Readonly<Record<string, number>>
  /** Stacks that become scans, in the graph for training. */
  readonly scans: number
}

// Some gradients here are 0 but for rounding (the bias of keys, or before a normalisation); Adam would make steps of them.
const training = 'train { model: M; optimizer: sgd(lr: 0.05, momentum: 0.9); batch: 3; steps: 30; clip_norm: 1.0 }'

export const programs: Readonly<Record<string, StackProgram>> = {
  'an encoder, with dropout': {
    scans: 1,
    dims: { batch: 3, T: 5 },
    text: `model M {
  input x: int[batch, T]
  target y: int[batch, T]
  layer encoder = Encoder(9, 12, 2, 10, 0.1)
  output logits = x |> Embedding(7, 12) |> encoder |> Linear(7)
  loss cross_entropy(logits, y)
}
${training}`,
  },
  'encoder and decoder': {
    scans: 2,
    dims: { batch: 2, S: 3, T: 4 },
    text: `model M {
  input x: int[batch, S]
  input z: int[batch, T]
  target y: int[batch, T]
  layer encoder = Encoder(9, 8, 2, 6, 0.1)
  layer decoder = Decoder(10, 8, 2, 6, 0.1)
  let known = padding_mask(x)
  let memory = encoder(x |> from: Embedding(7, 8), known)
  output logits = decoder(z |> to: Embedding(7, 8), memory, memory_mask: known) |> Linear(7)
  loss cross_entropy(logits, y)
}
${training}`,
  },
  'convolutions with batch normalisation': {
    scans: 1,
    dims: { batch: 3 },
    text: `module Block() {
  forward(x: float[B, C, H, W]) -> float[B, C, H, W] {
    return x + (x |> Conv2d(3, kernel: 3, padding: same) |> BatchNorm() |> relu)
  }
}
model M {
  input x: float[batch, 3, 5, 4]
  target y: int[batch]
  layer body = Block() * 9
  output logits = x |> body |> flatten |> Linear(4)
  loss cross_entropy(logits, y)
}
${training}`,
  },
  'recurrent layers': {
    scans: 1,
    dims: { batch: 3, T: 4 },
    text: `module Level(hidden: int) {
  forward(x: float[B, T, hidden]) -> float[B, T, hidden] {
    let (all, last, cell) = x |> LSTM(hidden)
    expose last
    return x + all |> dropout(0.2)
  }
}
model M {
  input x: float[batch, T, 5]
  target y: float[batch, T, 5]
  output out = x |> body: Level(5) * 9
  loss mean((out - y) ** 2)
}
${training}`,
  },
  'stacks of stacks, a layer of all and a constant beside them': {
    scans: 1,
    dims: { batch: 3 },
    text: `module Inner(shared: any) {
  param gain: float[6] = normal(1, 0.1)
  forward(x: float[B, 6], beside: float[B, 6]) -> float[B, 6] {
    return x + 0.1 * tanh(shared(x * gain) + beside |> dropout(0.1))
  }
}
module Outer(shared: any) {
  layer inner = Inner(shared) * 9
  forward(x: float[B, 6], beside: float[B, 6]) -> float[B, 6] { return inner(x |> Linear(6), beside) }
}
model M {
  input x: float[batch, 6]
  target y: float[batch, 6]
  layer shared = Linear(6)
  layer outer = Outer(shared) * 9
  output out = outer(x, x * 0.5)
  loss mean((out - y) ** 2)
}
${training}`,
  },
  'a stack that is called twice': {
    scans: 2,
    dims: { batch: 4 },
    text: `module Block() {
  forward(x: float[B, C]) -> float[B, C] { return x + 0.2 * tanh(x |> Linear(C)) }
}
model M {
  input a: float[batch, 5]
  input b: float[batch, 5]
  target y: float[batch, 5]
  layer body = Block() * 12
  output out = body(a) * body(b)
  loss mean((out - y) ** 2)
}
${training}`,
  },
}
