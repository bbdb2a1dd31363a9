model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  let a = image |> flatten |> Linear(512)
  let b = image |> flatten |> Linear(256)
  output y = a + b
}
