fn f(x: float[B]) -> { return x }
fn g(x: float[B]) -> (a: float[B], ) { return x }
fn h(x: float[B]) float[B] { return x }
