/// Benchmark W4: a decoder-only transformer, normalized first, as `bench/README.md` defines it. Queries, keys and values come
/// from one product, as in the peers.
/// Size: 826,368 parameters.
module Block(dim: int, heads: int, hidden: int) {
  layer ln1 = LayerNorm()
  layer qkv = Linear(3 * dim)
  layer proj = Linear(dim)
  layer ln2 = LayerNorm()
  layer fc = Linear(hidden)
  layer fc2 = Linear(dim)

  forward(x: float[B, T, dim], mask: bool[T, T]) -> float[B, T, dim] {
    let (q, k, v) = x |> ln1 |> qkv |> rearrange("b t (n h d) -> n b h t d", n: 3, h: heads) |> split(3, axis: 0)
    let seen = attend(squeeze(q, axis: 0), squeeze(k, axis: 0), squeeze(v, axis: 0), mask)
    let x = x + (seen |> rearrange("b h t d -> b t (h d)") |> proj)
    return x + (x |> ln2 |> fc |> gelu_tanh |> fc2)
  }
}

model Gpt(layers: int = 4) {
  input  x: int[batch, T]
  target y: int[batch, T]

  layer blocks = Block(128, 4, 512) * layers
  let embedded = x |> tok: Embedding(65, 128) |> pos: LearnedPositions(128, 128)
  output logits = blocks(embedded, causal_mask(T)) |> lnf: LayerNorm() |> head: Linear(65, bias: false)

  loss cross_entropy(logits, y)
}

train {
  model: Gpt
  optimizer: adamw(lr: 1e-3, weight_decay: 0.01)
  batch: 16
  dims: (T: 128)
  steps: 33
}

test "as many parameters as the peers have" {
  expect parameters(Gpt, "blocks[0].*") == 198272
  expect parameters(Gpt) == 65 * 128 + 128 * 128 + 4 * 198272 + 2 * 128 + 65 * 128
}
