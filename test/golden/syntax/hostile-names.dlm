model __proto__ {
  input constructor: float[batch]
  layer toString = Linear(3)
  output */ = 3
}
