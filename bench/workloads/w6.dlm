/// Benchmark W6: a square float32 product, of 256, 512 or 1024.
model Product(n: int = 512) {
  input a: float[n, n]
  input b: float[n, n]
  output c = a @ b
}
