model __proto__ {
  input constructor: float[batch, toString]
  output hasOwnProperty = constructor |> valueOf
}
