test "shape" {
  let a = [[1, 2], [3]]
  expect sum(a) == 6
}
