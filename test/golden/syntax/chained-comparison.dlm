module M(p: float) {
  require 0 < p < 1, "a probability"
}
