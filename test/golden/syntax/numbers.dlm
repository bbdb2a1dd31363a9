const a = .5
const b = 1.
const c = 0x1F
const d = 3px
const e = 9007199254740993
const f = 1e999
const g = 0..3
