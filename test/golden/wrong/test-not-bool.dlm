test "number" {
  expect 3
}
