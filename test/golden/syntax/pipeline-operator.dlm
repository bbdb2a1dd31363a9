fn f(x: float[...]) -> bool {
  return x |> flatten == x
}
