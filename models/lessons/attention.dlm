/// Task: attention worked by hand: two scores, 112 and 96, of keys with 64 numbers, and what becomes of them.
/// Size: no parameters, and a layer of 12 · 13 · 4 = 624 beside it.
/// Source: a lecture's worksheet on Vaswani et al., "Attention is all you need", 2017.
model Heads(dim: int = 12, heads: int = 3) {
  input x: float[batch, T, dim]
  layer attention = MultiHeadAttention(dim, heads)
  output y = attention(x, x)
}

test "112 and 96 are 14 and 12 after scaling, and weigh 0.88 and 0.12" {
  let score = [112.0, 96.0] / sqrt(64)
  expect score == [14.0, 12.0]
  let weight = softmax(score)
  expect weight ~= [0.88, 0.12] within 1e-2
  expect weight[0] ~= 1 / (1 + exp(-2.0)) within 1e-6
  expect sum(weight) ~= 1.0 within 1e-6
}

/// A query and two keys of 64 numbers, whose scores are 112 and 96.
test "the same from a query, two keys and two values" {
  let query = full([1, 64], 1.0)
  let keys = stack([full([64], 1.75), full([64], 1.5)])
  let values = [[1.0, 0.0], [0.0, 1.0]]
  expect query @ transpose(keys) == [[112.0, 96.0]]
  expect attend(query, keys, values) ~= [[0.8808, 0.1192]] within 1e-4
}

test "a mask takes a key away, and its weight goes to the others" {
  let query = full([1, 64], 1.0)
  let keys = stack([full([64], 1.75), full([64], 1.5)])
  expect attend(query, keys, [[1.0, 0.0], [0.0, 1.0]], [[false, true]]) == [[0.0, 1.0]]
  expect causal_mask(3) == [[true, false, false], [true, true, false], [true, true, true]]
  expect window_mask(3, 1) == [[true, true, false], [true, true, true], [false, true, true]]
  expect padding_mask([[7, 5, 0]]) == [[[true, true, false]]]
}

test "the sizes of heads, and their projections" {
  expect result_shape(Heads, "attention.weight")[1] == 3
  expect parameters(Heads, "attention.*") == 4 * 12 * 13
  expect parameters(Heads(heads: 4), "attention.*") == 4 * 12 * 13
}

test "position 0 of the sinusoidal positions, and a quarter of a wave" {
  expect sinusoidal_positions(1, 4) ~= [[0.0, 1.0, 0.0, 1.0]] within 1e-6
  expect sinusoidal_positions(3, 2)[2] ~= [0.909297, -0.416147] within 1e-5
  expect sin_turns([0.25, 1000.25, -0.25]) ~= [1.0, 1.0, -1.0] within 1e-6
}
