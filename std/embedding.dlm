/// A learned vector of `dim` numbers for each of `count` indices: int[...] becomes float[..., dim]. `weight` is
/// [count, dim] and starts normal with deviation 1, as in PyTorch.
module Embedding(count: int, dim: int) {
  require count > 0 and dim > 0, "an embedding needs at least one vector of at least one number"
  param weight: float[count, dim] = normal(0, 1)
  forward(index: int[...]) -> float[..., dim] {
    return gather(weight, index, axis: 0)
  }
}
