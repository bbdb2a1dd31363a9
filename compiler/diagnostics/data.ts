/** DLM05xx: data blocks and the files that they read. */
export {}
