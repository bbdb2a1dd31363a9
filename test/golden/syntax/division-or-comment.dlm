fn out(n: int, k: int, s: int) -> int {
  let steps = (n - k) // s + 1
  let half = n // 2
  return steps // s
}
