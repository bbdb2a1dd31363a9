test "close" {
  expect 1 == 1 within 0.1
}
