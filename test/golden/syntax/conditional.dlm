fn f(a: bool) -> int {
  let x = if a then 1
  let y = if a 1 else 2
  return if a then x else y
}
