// A mask is true where attention may look, and has the axes [queries, keys] or [batch, queries, keys].

/// Each query sees itself and what is before it: true where key <= query.
fn causal_mask(queries: int, keys: int = none) -> bool[...] {
  let width = if keys == none then queries else keys
  return expand(arange(width), 0) <= expand(arange(queries), 1)
}

/// Each query sees the keys at most `reach` places away, on both sides or, if `causal`, only before it: attention whose
/// cost grows with the length and not with its square.
/// Source: restricted self-attention in Vaswani et al., "Attention is all you need", 2017.
fn window_mask(queries: int, reach: int, causal: bool = false) -> bool[...] {
  let distance = expand(arange(queries), 1) - expand(arange(queries), 0)
  let near = distance <= reach and distance >= -reach
  return if causal then near and distance >= 0 else near
}

/// No query sees a place that only fills up a batch: tokens int[B, S] give bool[B, 1, S], true where the token is not `pad`.
fn padding_mask(tokens: int[B, S], pad: int = 0) -> bool[B, 1, S] {
  return expand(tokens != pad, 1)
}

/// No query sees a place at or after its sequence's length: int[B] gives bool[B, 1, S].
fn length_mask(length: int[B], S: int) -> bool[B, 1, S] {
  return reshape(arange(S), [1, 1, S]) < reshape(length, [B, 1, 1])
}

/// The mean over the places where the mask is true, 0 where there is none: a loss or a metric of sequences of several lengths.
fn masked_mean(x: float[...], mask: bool[...]) -> float[] {
  return sum(where(mask, x, 0)) / maximum(float(sum(mask)), 1)
}
