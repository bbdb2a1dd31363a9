/// softmax(q · kᵀ / sqrt(d)) · v: each query's mean of the values, weighted by how well the keys answer it. q is
/// [..., T, d], k is [..., S, d], v is [..., S, n], and the result [..., T, n]. Where the mask is false, nothing is seen.
/// Source: Vaswani et al., "Attention is all you need", 2017.
fn attend(q: float[..., T, d], k: float[..., S, d], v: float[..., S, n], mask: any = none) -> float[..., T, n] {
  let score = q @ transpose(k) / sqrt(d)
  return softmax(where(mask, score, -inf)) @ v
}

/// Attention in `heads` subspaces of dim / heads each: head_i = softmax(Q Wqᵢ (K Wkᵢ)ᵀ / sqrt(dim / heads)) V Wvᵢ, all heads
/// side by side through Wo. Queries come from `query`, keys and values from `context`. `mask` is [queries, keys] or
/// [batch, queries, keys], true where a query may look; 1 query stands for all. `turn` turns queries and keys by their
/// places, as in `rotary`. `weight` is what each query saw, [batch, heads, queries, keys].
/// Source: Vaswani et al., "Attention is all you need", 2017.
module MultiHeadAttention(dim: int, heads: int, dropout: float = 0, bias: bool = true, turn: bool = false) {
  require heads > 0 and dim % heads == 0, "dim must be a multiple of heads"
  let head = dim div heads

  layer wq = Linear(dim, bias: bias)
  layer wk = Linear(dim, bias: bias)
  layer wv = Linear(dim, bias: bias)
  layer wo = Linear(dim, bias: bias)

  forward(query: float[B, T, E], context: float[B, S, D], mask: bool[..., Q, S]? = none) -> float[B, T, dim] {
    let q = query |> wq |> rearrange("b t (h d) -> b h t d", h: heads)
    let k = context |> wk |> rearrange("b s (h d) -> b h s d", h: heads)
    let v = context |> wv |> rearrange("b s (h d) -> b h s d", h: heads)
    if turn {
      let q = rotary(q)
      let k = rotary(k)
    }

    let score = q @ transpose(k) / sqrt(head)
    let weight = softmax(where(over_heads(mask), score, -inf)) |> dropout(dropout)
    expose weight

    return weight @ v |> rearrange("b h t d -> b t (h d)") |> wo
  }
}

/// A mask [batch, queries, keys] gets an axis for the heads; others, and none, stay as they are.
fn over_heads(mask: any) {
  if mask == none {
    return none
  }
  return if rank(mask) == 3 then expand(mask, 1) else mask
}

/// Attention whose score is a small network: score(q, k) = v · tanh(Wq q + Wk k), weight = softmax(score), and the result
/// Σ weight · context. Queries [B, T, E] and a context [B, S, D] give [B, T, D]; `weight` is [B, T, S].
/// Source: Bahdanau, Cho and Bengio, "Neural machine translation by jointly learning to align and translate", 2015.
module AdditiveAttention(hidden: int) {
  layer wq = Linear(hidden)
  layer wk = Linear(hidden, bias: false)
  param v: float[hidden] = uniform(1 / sqrt(hidden))

  forward(query: float[B, T, E], context: float[B, S, D], mask: bool[..., Q, S]? = none) -> float[B, T, D] {
    let score = tanh(expand(wq(query), 2) + expand(wk(context), 1)) @ v
    let weight = softmax(where(mask, score, -inf))
    expose weight
    return weight @ context
  }
}
