const a = 2 × 3
const b = 4 ÷ 2
const c = a ≤ b
const d = “quoted”
