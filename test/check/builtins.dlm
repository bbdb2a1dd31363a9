// Known numbers for builtin functions, operators and indexing.

test "builtin functions over small numbers" {
  let x = [[1.0, 2.0], [3.0, 4.0]]
  layer id = Scale()
  expect id(x) == x
  expect x[0] == [1, 2]
  expect x[:, -1] == [2, 4]
  expect x[::-1][0, 0] == 3
  expect flip(x, axis: 0)[0] ~= [3.0, 4.0]
  expect one_hot([0, 2], 3) == [[1, 0, 0], [0, 0, 1]]
  expect take(x, [1, 0]) == [2, 3]
  expect gather(x, [1, 1, 0], axis: 0) == [[3, 4], [3, 4], [1, 2]]
  expect cumsum([1, 2, 3]) == [1, 3, 6]
  expect concat([x, x], axis: 1)[0] == [1, 2, 1, 2]
  expect stack([x, x])[1, 1, 1] == 4
  expect x @ [1, 1] == [3, 7]
  expect 7 div 2 == 3 and 7 % 2 == 1 and -7 div 2 == -4
  expect round(2.5) == 2
  expect arange(2, 8, 3) == [2, 5]
  expect pad([1, 2], 1, 2) == [0, 1, 2, 0, 0]
  expect where([true, false], 1, 2) == [1, 2]
  expect window([1, 2, 3, 4], axis: 0, size: 2, stride: 2) == [[1, 2], [3, 4]]
  expect squeeze(expand(x, 0), 0) == x
  expect argmax([1, 5, 2]) == 1
  expect sum([true, true, false]) == 2
  expect max(3, 4) == 4 and min([3, 1, 2]) == 1
  expect mean([1, 2]) == 1.5
  expect "a" + "b" == "ab"
  expect all([true, true]) and not any([false])
  expect int(2.7) == 2 and float(3) == 3
  expect einsum("i, i ->", [1, 2, 3], [4, 5, 6]) == 32
  expect einsum("i i2 -> i2 i", x) == [[1, 3], [2, 4]]
  expect rearrange(x, "a b -> (b a)") == [1, 3, 2, 4]
  expect split([1, 2, 3, 4], 2)[1] == [3, 4]
  expect abs(-2) == 2 and sign(-2) == -1 and 2 ** 3 == 8
  expect sigmoid(0.0) == 0.5, "half"
  expect map(0..3, (i) => 2 ** i) == [1, 2, 4]
  expect map([1, 2], (a, b) => a * b, [3.5, 4]) == [3.5, 8]
  expect map([7, -7], (n) => n div 2) == [3, -4] and map([[1, 2], [3]], len) == [2, 1]
  expect sum(stack([x, x] |> map((t) => t[0]))) == 6
  expect [1, 2, 3] ** 2 == [1, 4, 9]
  expect [7, -7] div 2 == [3, -4]
  expect [7, -7] % 3 == [1, 2]
  expect broadcast([1, 2], [2, 2]) == [[1, 2], [1, 2]]
  expect transpose(x) == [[1, 3], [2, 4]]
  expect conv1d([[1, 2, 3]], [[[1, 1]]]) == [[3, 5]]
  expect reshape(x, [-1]) == [1, 2, 3, 4]
  expect zeros([2]) == [0, 0]
  expect full([2], 3) == [3, 3]
  expect iota([2, 2], axis: 0) == [[0, 0], [1, 1]]
}

module Scale() {
  forward(x: float[..., D]) -> float[..., D] {
    param w: float[D] = ones
    return x * w
  }
}
