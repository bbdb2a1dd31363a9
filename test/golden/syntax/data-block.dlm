data D {
  train {
    image: idx("a.gz")
    label = 
  }
  validation split(train, 0.1)
  foo
}
