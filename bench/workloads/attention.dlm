/// Attention alone, forward: softmax(q kᵀ / sqrt(d)) v, for the figures of a GPU.
model Attention(heads: int = 8, length: int = 4096, width: int = 64) {
  input q: float[heads, length, width]
  input k: float[heads, length, width]
  input v: float[heads, length, width]
  output y = attend(q, k, v)
}
