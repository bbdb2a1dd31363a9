module M(dim: int heads: int) {
  layer a = Attention(dim heads: 8)
  let list = [1 2, 3]
  forward(x: float[B T, dim]) { return x }
}
