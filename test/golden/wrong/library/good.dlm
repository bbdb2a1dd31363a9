module Encoder(dim: int) {
  forward(x: float[B, T]) { return x |> Linear(dim) }
}
