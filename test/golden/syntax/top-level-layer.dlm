layer wq = Linear(10)
let x = 3
42
