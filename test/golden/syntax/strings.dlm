import "encoder.dlm
const a = "tab\t \q \u{1F600} \u{FFFFFFFF}"
const b = "
