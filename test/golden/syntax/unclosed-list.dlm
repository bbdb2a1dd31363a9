test "worksheet" {
  let image = [[1, 3], [0, 8]
  let filter = [[1, 2], [-2, -1]]
  expect shape(image) == [2, 2]
}
