/// The same small network at each place: W₂ f(W₁ x + b₁) + b₂, f being `activation`.
/// Source: Vaswani et al., "Attention is all you need", 2017.
module FeedForward(dim: int, hidden: int, dropout: float = 0, activation: function = relu) {
  layer inner = Linear(hidden)
  layer outer = Linear(dim)
  forward(x: float[..., dim]) -> float[..., dim] {
    return x |> inner |> activation |> dropout(dropout) |> outer
  }
}

/// Self-attention, then a feed-forward network, each added to what it was given. Normalized after the addition, as in the
/// paper, x ← norm(x + f(x)), or before (`pre_norm`), x ← x + f(norm(x)), which trains deep stacks without a warm-up.
/// Sources: Vaswani et al., "Attention is all you need", 2017; Xiong et al., "On layer normalization in the transformer
/// architecture", 2020.
module EncoderBlock(dim: int, heads: int, hidden: int, dropout: float = 0.1, pre_norm: bool = false, activation: function = relu, turn: bool = false) {
  layer attention = MultiHeadAttention(dim, heads, dropout: dropout, turn: turn)
  layer feed_forward = FeedForward(dim, hidden, dropout, activation)
  layer norm1 = LayerNorm()
  layer norm2 = LayerNorm()

  forward(x: float[B, T, dim], mask: bool[..., Q, T]? = none) -> float[B, T, dim] {
    if pre_norm {
      let y = norm1(x)
      let x = x + dropout(attention(y, y, mask), dropout)
      return x + dropout(feed_forward(norm2(x)), dropout)
    }
    let x = norm1(x + dropout(attention(x, x, mask), dropout))
    return norm2(x + dropout(feed_forward(x), dropout))
  }
}

/// Self-attention that sees only what is before, attention to a memory (an encoder's result), and a feed-forward network,
/// each added to what it was given and normalized as in `EncoderBlock`. `mask` hides further places of x, such as padding,
/// and `memory_mask` places of the memory.
/// Source: Vaswani et al., "Attention is all you need", 2017.
module DecoderBlock(dim: int, heads: int, hidden: int, dropout: float = 0.1, pre_norm: bool = false, activation: function = relu) {
  layer attention = MultiHeadAttention(dim, heads, dropout: dropout)
  layer cross = MultiHeadAttention(dim, heads, dropout: dropout)
  layer feed_forward = FeedForward(dim, hidden, dropout, activation)
  layer norm1 = LayerNorm()
  layer norm2 = LayerNorm()
  layer norm3 = LayerNorm()

  forward(x: float[B, T, dim], memory: float[B, S, D], mask: bool[..., Q, T]? = none, memory_mask: bool[..., R, S]? = none) -> float[B, T, dim] {
    let past = if mask == none then causal_mask(T) else causal_mask(T) and mask
    if pre_norm {
      let y = norm1(x)
      let x = x + dropout(attention(y, y, past), dropout)
      let x = x + dropout(cross(norm2(x), memory, memory_mask), dropout)
      return x + dropout(feed_forward(norm3(x)), dropout)
    }
    let x = norm1(x + dropout(attention(x, x, past), dropout))
    let x = norm2(x + dropout(cross(x, memory, memory_mask), dropout))
    return norm3(x + dropout(feed_forward(x), dropout))
  }
}

/// A stack of encoder blocks: block[0], block[1], …, and a last norm unless `final_norm` is false.
/// Source: Vaswani et al., "Attention is all you need", 2017.
module Encoder(layers: int, dim: int, heads: int, hidden: int, dropout: float = 0.1, pre_norm: bool = false, activation: function = relu, turn: bool = false, final_norm: bool = true) {
  layer block = EncoderBlock(dim, heads, hidden, dropout, pre_norm, activation, turn) * layers
  forward(x: float[B, T, dim], mask: bool[..., Q, T]? = none) -> float[B, T, dim] {
    let x = block(x, mask)
    if final_norm {
      let x = x |> norm: LayerNorm()
    }
    return x
  }
}

/// A stack of decoder blocks over one memory, and a last norm unless `final_norm` is false.
/// Source: Vaswani et al., "Attention is all you need", 2017.
module Decoder(layers: int, dim: int, heads: int, hidden: int, dropout: float = 0.1, pre_norm: bool = false, activation: function = relu, final_norm: bool = true) {
  layer block = DecoderBlock(dim, heads, hidden, dropout, pre_norm, activation) * layers
  forward(x: float[B, T, dim], memory: float[B, S, D], mask: bool[..., Q, T]? = none, memory_mask: bool[..., R, S]? = none) -> float[B, T, dim] {
    let x = block(x, memory, mask, memory_mask)
    if final_norm {
      let x = x |> norm: LayerNorm()
    }
    return x
  }
}
