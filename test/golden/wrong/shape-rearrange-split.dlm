model M {
  input  image: float[batch, 28, 28]
  target label: int[batch]
  output y = rearrange(image, "b (h p) w -> b h p w", p: 5)
}
