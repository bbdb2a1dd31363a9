fn f(x: float[...], n: int) { return if n == 0 then x + 1 else f(f(x, n - 1), n - 1) }
model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = f(image, 60)
}
