test {
  expect 1 == 1
}
test worksheet { }
