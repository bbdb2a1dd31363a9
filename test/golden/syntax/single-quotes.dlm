import 'encoder.dlm'
test 'it holds' {
  expect 1 == 1
}
