/** DLM03xx: shapes, dims and types that do not fit. */
export {}
