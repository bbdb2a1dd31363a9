test "input" {
  input x: float[3]
  expect 1 == 1
}
