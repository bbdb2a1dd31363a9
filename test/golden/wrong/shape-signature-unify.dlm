fn f(x: float[B, D], y: float[B, D]) { return x + y }
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  let a = flatten(image)
  output y = f(a, a |> Linear(3))
}
