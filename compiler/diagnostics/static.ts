/** DLM04xx: what cannot be evaluated while compiling. */
export {}
