module M(dim: int) {
  layer wo = Linear(dim]
  let sizes = [1, 2)
}
